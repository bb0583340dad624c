//! What Nix would write of a set: derivations, attributes, build times, updates.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use crate::model::Kind;
use crate::name::{AttributeSet, Hash, Version, Word, hash, prefix};
use crate::random::{mix, unit};
use crate::{State, Synthetic};

/// Keys that are set, and empty, in most derivations of nixpkgs.
const EMPTY: [&str; 28] = [
    "LANG",
    "SSL_CERT_FILE",
    "__structuredAttrs",
    "allowSubstitutes",
    "buildFlags",
    "cmakeFlags",
    "configureFlags",
    "curlOpts",
    "curlOptsList",
    "depsBuildBuild",
    "depsBuildBuildPropagated",
    "depsBuildTarget",
    "depsBuildTargetPropagated",
    "depsHostHost",
    "depsHostHostPropagated",
    "depsTargetTarget",
    "depsTargetTargetPropagated",
    "doCheck",
    "doInstallCheck",
    "downloadToTemp",
    "executable",
    "makeFlags",
    "mesonFlags",
    "nixpkgsVersion",
    "propagatedBuildInputs",
    "propagatedNativeBuildInputs",
    "showURLs",
    "strictDeps",
];
/// A phase, as packages write them.
const PHASE: &str = "runHook preBuild\\n\\nexport HOME=$(mktemp -d)\\nfor f in $(find . -name '*.in'); do\\n  \
    substituteInPlace \\\"$f\\\" --replace-warn /usr \\\"$out\\\"\\ndone\\nmake -j$NIX_BUILD_CORES \
    ${enableParallelBuilding:+-l${NIX_BUILD_CORES}} SHELL=$SHELL\\n\\nrunHook postBuild\\n";
/// What a fetcher lets through.
const IMPURE: &str = "http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY \
    NIX_SSL_CERT_FILE NIX_CURL_FLAGS NIX_HASHED_MIRRORS NIX_CONNECT_TIMEOUT NIX_MIRRORS_alsa NIX_MIRRORS_apache \
    NIX_MIRRORS_bioc NIX_MIRRORS_bitlbee NIX_MIRRORS_centos NIX_MIRRORS_cpan NIX_MIRRORS_cran NIX_MIRRORS_debian \
    NIX_MIRRORS_gcc NIX_MIRRORS_gentoo NIX_MIRRORS_gnome NIX_MIRRORS_gnu NIX_MIRRORS_gnupg NIX_MIRRORS_hackage \
    NIX_MIRRORS_kde NIX_MIRRORS_kernel NIX_MIRRORS_luarocks NIX_MIRRORS_maven NIX_MIRRORS_mozilla NIX_MIRRORS_mysql \
    NIX_MIRRORS_openbsd NIX_MIRRORS_osdn NIX_MIRRORS_postgresql NIX_MIRRORS_pypi NIX_MIRRORS_qt NIX_MIRRORS_sageupstream \
    NIX_MIRRORS_savannah NIX_MIRRORS_sourceforge NIX_MIRRORS_steamrt NIX_MIRRORS_xorg";

const SYSTEM: &str = "x86_64-linux";

/// Build times: of how many packages, their median in seconds, and the deviation of their logarithm.
const MEASURED: f64 = 0.7;
const MEDIAN_SECONDS: f64 = 30.0;
const DEVIATION: f64 = 1.6;

/// A name without hash.
struct Name<'s> {
    set: &'s Synthetic,
    at: usize,
}

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let model = &self.set.model;
        if model.kinds[self.at] == Kind::Source {
            let (owner, is_src) = (model.sources[self.at] as usize, model.sources[model.sources[self.at] as usize] as usize == self.at);
            return if is_src {
                write!(f, "{}-{}.tar.gz", Word(model.originals[owner]), self.set.version(owner))
            } else {
                write!(f, "{}.patch", Word(self.at as u32))
            };
        }
        write!(f, "{}-{}", self.set.pname(self.at), self.set.version(self.at))
    }
}

/// A name without version.
struct Pname<'s> {
    set: &'s Synthetic,
    at: usize,
}

impl Display for Pname<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", prefix(self.set.model.sets[self.at]), Word(self.set.model.originals[self.at]))
    }
}

/// A hash, as text.
struct Text<'h>(&'h Hash);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(self.0).map_err(|_| fmt::Error)?)
    }
}

impl Synthetic {
    /// Writes what `nix derivation show` says of all derivations, by path as Nix does; 4.4 KB a derivation on average.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_derivations(&self, mut out: impl Write) -> io::Result<()> {
        let mut order: Vec<u32> = (0..self.derivations() as u32).collect();
        order.sort_by_cached_key(|&at| self.hash(at as usize));
        let mut text = Vec::new();
        for (position, &at) in order.iter().enumerate() {
            text.clear();
            text.extend_from_slice(if position == 0 { b"{\n" } else { b",\n" });
            self.derivation(at as usize, &mut text)?;
            out.write_all(&text)?;
        }
        out.write_all(b"\n}\n")?;
        out.flush()
    }

    /// Writes a line of nix-eval-jobs for each attribute.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_eval_jobs(&self, mut out: impl Write) -> io::Result<()> {
        let mut text = Vec::new();
        for at in (0..self.derivations()).filter(|&at| self.has_attribute(at)) {
            text.clear();
            self.eval_job(at, "", &mut text)?;
            if self.word(at, 3) < 0.13 {
                self.eval_job(at, "_alias", &mut text)?;
            }
            out.write_all(&text)?;
        }
        out.flush()
    }

    /// Writes build times of about seven in ten packages, by name: log-normal.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_durations(&self, mut out: impl Write) -> io::Result<()> {
        writeln!(out, "name,seconds")?;
        let measured =
            |at: usize| self.model.kinds[at] != Kind::Source && self.model.originals[at] as usize == at && self.word(at, 4) < MEASURED;
        for at in (0..self.derivations()).filter(|&at| measured(at)) {
            // The sum of twelve uniform numbers is normal, as far as it matters.
            let normal = (0..12).map(|key| self.word(at, 100 + key)).sum::<f64>() - 6.0;
            let seconds = MEDIAN_SECONDS * libm::exp(DEVIATION * normal);
            writeln!(out, "{},{}", self.name(at), seconds.ceil())?;
        }
        out.flush()
    }

    /// Writes `count` updates: three in ten of what much is built with, the rest of any package, evenly spread.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write_updates(&self, count: usize, mut out: impl Write) -> io::Result<()> {
        let of = |is_core: bool| {
            let is_named = move |at: &usize| {
                self.has_attribute(*at) && self.model.originals[*at] as usize == *at && is_core == (self.model.kinds[*at] == Kind::Core)
            };
            (0..self.derivations()).filter(is_named)
        };
        writeln!(out, "attr,from,to")?;
        for (is_core, wanted) in [(true, count * 3 / 10), (false, count - count * 3 / 10)] {
            let step = of(is_core).count().div_ceil(wanted.max(1)).max(1);
            for at in of(is_core).step_by(step) {
                let next = Version { package: self.model.originals[at], is_next: true };
                writeln!(out, "{},{},{next}", self.attribute(at), self.version(at))?;
            }
        }
        out.flush()
    }

    fn name(&self, at: usize) -> Name<'_> {
        Name { set: self, at }
    }

    fn pname(&self, at: usize) -> Pname<'_> {
        Pname { set: self, at }
    }

    fn version(&self, at: usize) -> Version {
        Version { package: self.model.originals[at], is_next: self.states[at] == State::Changed }
    }

    /// Its attribute path; copies have one of their own.
    fn attribute(&self, at: usize) -> String {
        let model = &self.model;
        let set = AttributeSet(model.sets[at]);
        if model.originals[at] as usize == at {
            format!("{set}{}", Word(at as u32))
        } else {
            format!("{set}{}_{at}", Word(model.originals[at]))
        }
    }

    /// A number in [0, 1) of a derivation, for a purpose.
    fn word(&self, at: usize, purpose: u64) -> f64 {
        unit(mix(self.seed ^ purpose << 32, at as u64))
    }

    /// Number of what is built now: another than before the revision, if it is rebuilt.
    fn build(&self, at: usize) -> u64 {
        at as u64 * 2 + u64::from(self.states[at] != State::AsBefore)
    }

    /// Hash of the path of a derivation.
    fn hash(&self, at: usize) -> Hash {
        hash(self.seed, self.build(at))
    }

    fn outputs(&self, at: usize) -> &'static [&'static str] {
        if self.model.kinds[at] == Kind::Source {
            return &["out"];
        }
        match self.word(at, 5) {
            word if word < 0.79 => &["out"],
            word if word < 0.91 => &["dev", "out"],
            word if word < 0.98 => &["bin", "dev", "out"],
            _ => &["dev", "doc", "lib", "out"],
        }
    }

    /// Writes the path of an output.
    fn output(&self, at: usize, output: &str, text: &mut Vec<u8>) -> io::Result<()> {
        let key = output.bytes().fold(self.seed ^ 6, |key, byte| mix(key, u64::from(byte)));
        write!(text, "/nix/store/{}-{}", Text(&hash(key, self.build(at))), self.name(at))?;
        if output == "out" { Ok(()) } else { write!(text, "-{output}") }
    }

    fn derivation(&self, at: usize, text: &mut Vec<u8>) -> io::Result<()> {
        let model = &self.model;
        let mut inputs: Vec<(Hash, usize)> = model.inputs(at).iter().map(|&input| (self.hash(input as usize), input as usize)).collect();
        inputs.sort_unstable();
        let is_source = model.kinds[at] == Kind::Source;
        let builder = inputs.iter().map(|&(_, input)| input).filter(|&input| model.kinds[input] == Kind::Spine).min();
        write!(
            text,
            "  \"/nix/store/{}-{}.drv\": {{\n    \"args\": [\n      \"-e\",\n      \"/nix/store/{}-default-builder.sh\"\n    ],\n    \
             \"builder\": \"",
            Text(&self.hash(at)),
            self.name(at),
            Text(&hash(7, 0))
        )?;
        match builder {
            Some(shell) => {
                self.output(shell, "out", text)?;
                text.extend_from_slice(b"/bin/bash\",\n    \"env\": {\n");
            }
            None => text.extend_from_slice(b"builtin:fetchurl\",\n    \"env\": {\n"),
        }
        self.environment(at, &inputs, text)?;
        text.extend_from_slice(b"    },\n    \"inputDrvs\": {");
        for (position, &(hash, input)) in inputs.iter().enumerate() {
            let output = self.outputs(input)[0];
            write!(
                text,
                "{}\n      \"/nix/store/{}-{}.drv\": [\n        \"{output}\"\n      ]",
                separator(position),
                Text(&hash),
                self.name(input)
            )?;
        }
        write!(
            text,
            "\n    }},\n    \"inputSrcs\": [\n      \"/nix/store/{}-default-builder.sh\"\n    ],\n    \"outputs\": {{",
            Text(&hash(7, 0))
        )?;
        for (position, output) in self.outputs(at).iter().enumerate() {
            write!(text, "{}\n      \"{output}\": {{\n        ", separator(position))?;
            if is_source {
                self.output_hash(at, text)?;
                text.extend_from_slice(b"        \"hashAlgo\": \"sha256\",\n        ");
            }
            text.extend_from_slice(b"\"path\": \"");
            self.output(at, output, text)?;
            text.extend_from_slice(b"\"\n      }");
        }
        write!(text, "\n    }},\n    \"system\": \"{SYSTEM}\"\n  }}")
    }

    /// The hash of a fixed output.
    fn output_hash(&self, at: usize, text: &mut Vec<u8>) -> io::Result<()> {
        text.extend_from_slice(b"\"hash\": \"");
        for key in 0..4 {
            write!(text, "{:016x}", mix(8 + key, self.build(at)))?;
        }
        text.extend_from_slice(b"\",\n");
        Ok(())
    }

    fn environment(&self, at: usize, inputs: &[(Hash, usize)], text: &mut Vec<u8>) -> io::Result<()> {
        for key in EMPTY {
            writeln!(text, "      \"{key}\": \"\",")?;
        }
        if self.model.kinds[at] == Kind::Source {
            writeln!(text, "      \"impureEnvVars\": \"{IMPURE}\",")?;
            writeln!(text, "      \"postFetch\": \"{PHASE}\",")?;
            writeln!(text, "      \"urls\": \"https://example.org/{}/{}\",", Word(at as u32), self.name(at))?;
        } else {
            for phase in ["preConfigure", "buildPhase", "installPhase", "checkPhase", "preFixup", "preInstall"] {
                writeln!(text, "      \"{phase}\": \"{PHASE}\",")?;
            }
            writeln!(text, "      \"pname\": \"{}\",\n      \"version\": \"{}\",", self.pname(at), self.version(at))?;
            let is_native = |input: usize| self.model.kinds[input] == Kind::Core;
            self.paths("nativeBuildInputs", inputs.iter().map(|&(_, input)| input).filter(|&input| is_native(input)), text)?;
            let is_library = |input: usize| !matches!(self.model.kinds[input], Kind::Core | Kind::Spine | Kind::Source);
            self.paths("buildInputs", inputs.iter().map(|&(_, input)| input).filter(|&input| is_library(input)), text)?;
            let patches = inputs
                .iter()
                .map(|&(_, input)| input)
                .filter(|&input| self.model.kinds[input] == Kind::Source && self.source(at) != Some(input));
            self.paths("patches", patches, text)?;
            if let Some(source) = self.source(at) {
                self.paths("src", std::iter::once(source), text)?;
            }
        }
        for output in self.outputs(at) {
            write!(text, "      \"{output}\": \"")?;
            self.output(at, output, text)?;
            text.extend_from_slice(b"\",\n");
        }
        write!(
            text,
            "      \"name\": \"{}\",\n      \"outputs\": \"{}\",\n      \"system\": \"{SYSTEM}\"\n",
            self.name(at),
            self.outputs(at).join(" ")
        )
    }

    /// A key whose value is output paths.
    fn paths(&self, key: &str, members: impl Iterator<Item = usize>, text: &mut Vec<u8>) -> io::Result<()> {
        write!(text, "      \"{key}\": \"")?;
        for (position, member) in members.enumerate() {
            text.extend_from_slice(if position == 0 { b"" } else { b" " });
            self.output(member, self.outputs(member)[0], text)?;
        }
        text.extend_from_slice(b"\",\n");
        Ok(())
    }

    fn eval_job(&self, at: usize, suffix: &str, text: &mut Vec<u8>) -> io::Result<()> {
        let attribute = self.attribute(at);
        let components: Vec<&str> = attribute.split('.').collect();
        write!(
            text,
            "{{\"attr\":\"{attribute}{suffix}\",\"attrPath\":[\"{}{suffix}\"],\"drvPath\":\"/nix/store/{}-{}.drv\",",
            components.join("\",\""),
            Text(&self.hash(at)),
            self.name(at)
        )?;
        let package = u64::from(self.model.originals[at]);
        write!(
            text,
            "\"meta\":{{\"broken\":false,\"description\":\"{} for {}\",\"license\":[{{\"free\":true,\"spdxId\":\"{}\"}}],\
             \"maintainers\":[{{\"github\":\"{}\"}}],\"position\":\"pkgs/{}/default.nix:{}\",\"unfree\":false}},",
            Word(package as u32),
            Word(mix(9, package) as u32 % 1000),
            ["MIT", "Apache-2.0", "GPL-3.0-or-later", "BSD-3-Clause"][(mix(10, package) % 4) as usize],
            Word(mix(11, package) as u32 % 3000),
            Word(package as u32),
            mix(12, package) % 90 + 10,
        )?;
        write!(text, "\"name\":\"{}\",\"outputs\":{{", self.name(at))?;
        for (position, output) in self.outputs(at).iter().enumerate() {
            write!(text, "{}\"{output}\":\"", separator(position))?;
            self.output(at, output, text)?;
            text.push(b'"');
        }
        writeln!(text, "}},\"system\":\"{SYSTEM}\"}}")
    }
}

/// What stands before the item at `position`.
fn separator(position: usize) -> &'static str {
    if position == 0 { "" } else { "," }
}
