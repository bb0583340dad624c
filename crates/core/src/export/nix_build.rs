//! A script of `nix-build` commands.

use std::fmt::Write as _;

use super::{ExportOptions, Exported, ExportedFile, name};
use crate::graph::Graph;

/// Attributes of one command: a command line has room for them, whatever they are called.
const AT_ONCE: usize = 200;

/// A script that builds a wave, level by level: what little comes before is built first, so that failures show early.
pub(super) fn script(graph: &Graph, wave: &Exported, options: &ExportOptions<'_>) -> ExportedFile {
    let cover = &wave.cover;
    let mut script = format!(
        "#!/bin/sh\n\
         # {}: attributes: {}; derivations that they build: {} of {}.\n\
         # usage: {0}.sh [FILE]   (options for Nix: NIX_CONFIG)\n\
         # A failure does not end it, but is its exit status.\n\
         set -u\n\
         file=${{1:-}}\n\
         [ -n \"$file\" ] || file={}\n\
         failed=0\n\
         build() {{ nix-build \"$file\" --keep-going --no-out-link \"$@\" || failed=1; }}\n",
        wave.name,
        cover.targets.len(),
        cover.derivations - cover.unreached.len(),
        cover.derivations,
        name::shell(options.file)
    );
    let key = |target: &super::Target| (target.level, target.system.clone());
    let mut targets: Vec<&super::Target> = cover.targets.iter().collect();
    targets.sort_by_key(|target| (key(target), target.attribute));
    for level in targets.chunk_by(|a, b| key(a) == key(b)) {
        // Writing to a string does not fail.
        let _ = write!(script, "\n# Level {}\n", level[0].level + 1);
        for chunk in level.chunks(AT_ONCE) {
            let system = name::shell(&chunk[0].system);
            let typed = chunk.iter().filter_map(|target| name::typed(graph.attribute(target.attribute).path()));
            let words: Vec<String> = typed.map(|path| format!("-A {}", name::shell(&path))).collect();
            let _ = writeln!(script, "build --argstr system {system} {}", words.join(" "));
        }
    }
    for &ix in &cover.unreached {
        let _ = write!(script, "\n# Not built, no attribute leads to it: {}", name::comment(&graph.derivation(ix).base_name()));
    }
    script.push_str("\nexit $failed\n");
    ExportedFile { name: format!("{}.sh", wave.name), content: script, is_program: true }
}
