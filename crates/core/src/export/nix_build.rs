//! A script of `nix-build` commands.

use std::fmt::Write as _;

use super::{ExportOptions, Exported, ExportedFile, name};
use crate::graph::Graph;

/// Attributes of one command: a command line has room for them, whatever they are called.
const AT_ONCE: usize = 200;

/// A script that builds a wave, level by level: what little comes before is built first, so that failures show early. What a package
/// set refuses is in commands of its own, and if something does not evaluate, the attributes of its command are built one by one.
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
         build() {{\n  \
           system=$1\n  \
           shift\n  \
           nix-build \"$file\" --argstr system \"$system\" --keep-going --no-out-link \"$@\"\n  \
           status=$?\n  \
           [ $status -eq 0 ] || failed=1\n  \
           # 1: something does not evaluate, and nothing was built.\n  \
           if [ $status -eq 1 ] && [ $# -gt 2 ]; then\n    \
             while [ $# -gt 0 ]; do\n      \
               build \"$system\" \"$1\" \"$2\"\n      \
               shift 2\n    \
             done\n  \
           fi\n\
         }}\n",
        wave.name,
        cover.targets.len(),
        cover.derivations - cover.unreached.len(),
        cover.derivations,
        name::shell(options.file)
    );
    let key = |target: &super::Target| (target.level, target.system.clone(), target.refusal);
    let mut targets: Vec<&super::Target> = cover.targets.iter().collect();
    targets.sort_by_key(|target| (key(target), target.attribute));
    for level in targets.chunk_by(|a, b| key(a) == key(b)) {
        // Writing to a string does not fail.
        let refused = level[0].refusal.map_or_else(String::new, |refusal| format!(", {}", refusal.name()));
        let _ = write!(script, "\n# Level {}{refused}\n", level[0].level + 1);
        for chunk in level.chunks(AT_ONCE) {
            let system = name::shell(&chunk[0].system);
            let typed = chunk.iter().filter_map(|target| name::typed(graph.attribute(target.attribute).path()));
            let words: Vec<String> = typed.map(|path| format!("-A {}", name::shell(&path))).collect();
            let _ = writeln!(script, "build {system} {}", words.join(" "));
        }
    }
    for &ix in &cover.unreached {
        let _ = write!(script, "\n# Not built, no attribute leads to it: {}", name::comment(&graph.derivation(ix).base_name()));
    }
    script.push_str("\nexit $failed\n");
    ExportedFile { name: format!("{}.sh", wave.name), content: script, is_program: true }
}
