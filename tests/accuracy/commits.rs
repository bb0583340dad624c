//! The commits: what each does to the package set, and what is asked of its estimate.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What is asked of an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Files of packages only: everything is found, and nothing is left unbounded.
    All,
    /// Nothing is rebuilt, and nothing is said to be.
    Nothing,
    /// Everything is found, or a bound holds it.
    Bound,
}

/// A commit on the package set.
pub(crate) struct Commit {
    pub(crate) subject: &'static str,
    pub(crate) asked: Asked,
    /// What is there before it, if that is not the package set as it is.
    pub(crate) before: Option<fn(&Path)>,
    pub(crate) edit: fn(&Path),
}

const fn commit(subject: &'static str, asked: Asked, edit: fn(&Path)) -> Commit {
    Commit { subject, asked, before: None, edit }
}

const fn commit_on(before: fn(&Path), subject: &'static str, asked: Asked, edit: fn(&Path)) -> Commit {
    Commit { subject, asked, before: Some(before), edit }
}

fn edit(set: &Path, file: &str, change: impl Fn(&str) -> String) {
    let path = set.join(file);
    let text = fs::read_to_string(&path).expect(file);
    let changed = change(&text);
    assert_ne!(text, changed, "{file} was not changed");
    fs::write(path, changed).expect(file);
}

pub(crate) fn replace(set: &Path, file: &str, from: &str, to: &str) {
    edit(set, file, |text| text.replacen(from, to, 1));
}

fn append(set: &Path, file: &str, text: &str) {
    edit(set, file, |before| format!("{before}{text}"));
}

pub(crate) fn write(set: &Path, file: &str, text: &str) {
    let path = set.join(file);
    fs::create_dir_all(path.parent().expect("a directory")).expect("created");
    fs::write(path, text).expect(file);
}

fn rename(set: &Path, from: &str, to: &str) {
    let target = set.join(to);
    fs::create_dir_all(target.parent().expect("a directory")).expect("created");
    fs::rename(set.join(from), target).expect(from);
}

/// Another version, and another hash.
fn bump(set: &Path, file: &str, from: &str, to: &str) {
    edit(set, file, |text| {
        let text = text.replacen(from, to, 1);
        let at = text.find("hash = \"sha256-").expect("a hash") + "hash = \"sha256-".len();
        let other = if &text[at..=at] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &text[..at], &text[at + 1..])
    });
}

const TOP: &str = "pkgs/top-level/all-packages.nix";
const PYTHON: &str = "pkgs/top-level/python-packages.nix";
const LIBRARIES: &str = "pkgs/development/libraries";

fn library(file: &str) -> String {
    format!("{LIBRARIES}/{file}")
}

const NEW_PACKAGE: &str = "{ stdenv, zlib }:\n\nstdenv.mkDerivation {\n  pname = \"newcomer\";\n  version = \"1.0\";\n  \
                           buildInputs = [ zlib ];\n  meta.description = \"A package that is new\";\n}\n";

const HELLO: &str = "pkgs/by-name/he/hello/package.nix";
const GZIP: &str = "pkgs/by-name/gz/gzip/package.nix";
const FD: &str = "pkgs/by-name/fd/fd/package.nix";

/// A package of files that lie beside it.
const LOCAL_SOURCE: &str =
    "{ stdenv }:\n\nstdenv.mkDerivation {\n  pname = \"fd\";\n  version = \"10.2.0\";\n  src = ./src;\n  flag = 1;\n  meta = { };\n}\n";

fn local_source(set: &Path) {
    write(set, FD, LOCAL_SOURCE);
    write(set, "pkgs/by-name/fd/fd/src/config.nix", "# one\n{ meta = { a = 1; }; }\n");
}

fn add_newcomer(set: &Path) {
    write(set, "pkgs/tools/misc/newcomer/default.nix", NEW_PACKAGE);
    replace(set, TOP, "  xz = callPackage", "  newcomer = callPackage ../tools/misc/newcomer { };\n\n  xz = callPackage");
}

/// Binds a package that is another with a flag.
fn add_variant(set: &Path, variant: &str) {
    let bound = format!("  {variant}.overrideAttrs (old: {{ flag = 1; }});\n\n  xz = callPackage");
    replace(set, TOP, "  xz = callPackage", &bound);
}

fn remove_torchvision(set: &Path) {
    replace(set, PYTHON, "  torchvision = self.callPackage ../development/python-modules/torchvision { };\n", "");
}

/// Its set has it all the same.
pub(crate) fn remove_lld(set: &Path) {
    replace(set, TOP, "clang lld llvm;", "clang llvm;");
}

/// Reformatted as a formatter would: other line breaks, a comment, another indentation.
fn reformat(text: &str) -> String {
    text.replace("\n  ", "\n      ").replacen("stdenv,\n", "\n    stdenv, # of the stage\n", 1).replacen(
        "meta = {",
        "/* about it */ meta =\n  {",
        1,
    )
}

/// All commits; each is made on the package set as it is, or on what is said to be before it.
pub(crate) const COMMITS: &[Commit] = &[
    // Files of packages.
    commit("jq: 1.7.1 -> 1.7.2", Asked::All, |set| bump(set, "pkgs/by-name/jq/jq/package.nix", "1.7.1", "1.7.2")),
    commit("zlib: 1.3.1 -> 1.3.2", Asked::All, |set| bump(set, &library("zlib/default.nix"), "1.3.1", "1.3.2")),
    commit("glibc: 2.40 -> 2.41", Asked::All, |set| bump(set, &library("glibc/default.nix"), "2.40", "2.41")),
    commit("nodejs: other source", Asked::All, |set| bump(set, "pkgs/by-name/no/nodejs/package.nix", "", "")),
    commit("python3Packages.numpy: bump", Asked::All, |set| {
        bump(set, "pkgs/development/python-modules/numpy/default.nix", "version = \"2.", "version = \"3.");
    }),
    commit("python311: 3.11.10 -> 3.11.11", Asked::All, |set| {
        bump(set, "pkgs/development/interpreters/python/default.nix", "3.11.10", "3.11.11");
    }),
    commit("linux_6_6: 6.6.63 -> 6.6.64", Asked::All, |set| {
        bump(set, "pkgs/os-specific/linux/kernel/linux-6.6.nix", "6.6.63", "6.6.64");
    }),
    commit("openssl: 3.3.2 -> 3.3.3", Asked::All, |set| bump(set, &library("openssl/3.3.nix"), "3.3.2", "3.3.3")),
    commit("llvmPackages: 18.1.8 -> 18.1.9", Asked::All, |set| {
        bump(set, "pkgs/development/compilers/llvm/default.nix", "18.1.8", "18.1.9");
    }),
    commit("deno: 2.0.6 -> 2.0.7", Asked::All, |set| bump(set, "pkgs/development/web/deno/default.nix", "2.0.6", "2.0.7")),
    commit("qt6: 6.8.0 -> 6.8.1", Asked::All, |set| replace(set, &library("qt-6/srcs.nix"), "6.8.0", "6.8.1")),
    commit("qt6.qtsvg: other source", Asked::All, |set| replace(set, &library("qt-6/srcs.nix"), "sha256-+/M4", "sha256-AAAA")),
    commit("qt6: a flag for all modules", Asked::All, |set| {
        replace(set, &library("qt-6/qtModule.nix"), "outputs = [", "flag = \"1\";\n    outputs = [");
    }),
    commit("openssl: a flag for all versions", Asked::All, |set| {
        replace(set, &library("openssl/generic.nix"), "nativeBuildInputs", "flag = \"1\";\n  nativeBuildInputs");
    }),
    commit("bash: edit a patch", Asked::All, |set| append(set, "pkgs/shells/bash/pgrp-pipe.patch", "+more\n")),
    commit("hello: add a patch", Asked::All, |set| {
        write(set, "pkgs/by-name/he/hello/new.patch", "+new\n");
        replace(set, "pkgs/by-name/he/hello/package.nix", "meta = {", "patches = [ ./new.patch ];\n\n  meta = {");
    }),
    commit("openssl: edit the patch of all versions", Asked::All, |set| {
        append(set, &library("openssl/use-etc-ssl-certs.patch"), "+more\n");
    }),
    commit("openssl_1_1: edit a patch", Asked::All, |set| append(set, &library("openssl/1.1/nix-ssl-cert-file.patch"), "+more\n")),
    commit("python311: edit a patch", Asked::All, |set| {
        append(set, "pkgs/development/interpreters/python/3.11/darwin-libutil.patch", "+more\n");
    }),
    commit("curl, fd: two packages at once", Asked::All, |set| {
        replace(set, "pkgs/by-name/fd/fd/package.nix", "pname = ", "flag = \"1\";\n  pname = ");
        replace(set, "pkgs/by-name/cu/curlMinimal/package.nix", "pname = ", "flag = \"1\";\n  pname = ");
    }),
    commit("stdenv's patchelf: a flag", Asked::All, |set| {
        replace(set, "pkgs/by-name/pa/patchelf/package.nix", "pname = ", "flag = \"1\";\n  pname = ");
    }),
    // Sets of packages.
    commit("nginx: with openssl_1_1", Asked::All, |set| {
        replace(set, TOP, "callPackage ../servers/http/nginx { }", "callPackage ../servers/http/nginx { openssl = openssl_1_1; }");
    }),
    commit("git: without manual", Asked::All, |set| {
        replace(
            set,
            TOP,
            "callPackage ../applications/version-management/git { }",
            "callPackage ../applications/version-management/git { withManual = false; }",
        );
    }),
    commit("gitMinimal: with manual", Asked::All, |set| replace(set, TOP, "    withManual = false;\n", "")),
    commit("python3: 3.12 -> 3.11", Asked::All, |set| replace(set, TOP, "python3 = python312;", "python3 = python311;")),
    commit("python3Packages.requests: without urllib3", Asked::All, |set| {
        replace(set, PYTHON, "python-modules/requests { }", "python-modules/requests { urllib3 = self.six; }");
    }),
    commit("linuxPackages.zfs: with openssl_1_1", Asked::All, |set| {
        edit(set, "pkgs/top-level/linux-kernels.nix", |text| {
            text.replace("callPackage, kernel }", "callPackage, kernel, openssl_1_1 }")
                .replace("zfs { inherit kernel; }", "zfs { inherit kernel; openssl = openssl_1_1; }")
        });
    }),
    commit("pkgsi686Linux: add a library", Asked::Nothing, |set| replace(set, TOP, "      expat\n", "      expat\n      gmp\n")),
    commit("all-packages: comments, another order", Asked::Nothing, |set| {
        edit(set, TOP, |text| {
            let text = text.replacen("  gmp = callPackage ../development/libraries/gmp { };\n", "", 1);
            text.replacen(
                "  zlib = callPackage",
                "  # Moved.\n  gmp = callPackage ../development/libraries/gmp { };\n\n  zlib = callPackage",
                1,
            )
        });
    }),
    commit("aliases: add one", Asked::Nothing, |set| {
        replace(set, "pkgs/top-level/aliases.nix", "  rg = ", "  greeting = final.hello;\n  rg = ");
    }),
    commit("aliases: rg is fd", Asked::All, |set| replace(set, "pkgs/top-level/aliases.nix", "final.ripgrep", "final.fd")),
    commit("aliases: other words for what is gone", Asked::Nothing, |set| {
        replace(set, "pkgs/top-level/aliases.nix", "end of life; use", "end of life; take");
    }),
    // What no build sees.
    commit("curl: another description", Asked::Nothing, |set| {
        edit(set, "pkgs/by-name/cu/curlMinimal/package.nix", |text| text.replacen("description = \"", "description = \"Fine ", 1));
    }),
    commit("zlib: reformat", Asked::Nothing, |set| edit(set, &library("zlib/default.nix"), reformat)),
    commit("hello: add a test", Asked::Nothing, |set| {
        edit(set, "pkgs/by-name/he/hello/package.nix", |text| {
            text.replacen("  stdenv,\n", "  stdenv,\n  jq,\n", 1).replacen("meta = {", "passthru.tests.other = jq;\n\n  meta = {", 1)
        });
    }),
    commit("sqlite: rename its file", Asked::Nothing, |set| {
        rename(set, &library("sqlite/default.nix"), &library("sqlite/package.nix"));
        replace(set, TOP, "../development/libraries/sqlite { }", "../development/libraries/sqlite/package.nix { }");
    }),
    commit("readline: move to by-name", Asked::Nothing, |set| {
        for (from, to) in [("default.nix", "package.nix"), ("link-against-ncurses.patch", "link-against-ncurses.patch")] {
            rename(set, &library(&format!("readline/{from}")), &format!("pkgs/by-name/re/readline/{to}"));
        }
        replace(set, TOP, "  readline = callPackage ../development/libraries/readline { };\n\n", "");
    }),
    commit("newcomer: init", Asked::Nothing, |set| write(set, "pkgs/by-name/ne/newcomer/package.nix", NEW_PACKAGE)),
    commit("newcomer: init in a category", Asked::Nothing, add_newcomer),
    commit("mas: remove", Asked::Nothing, |set| fs::remove_dir_all(set.join("pkgs/by-name/ma/mas")).expect("removed")),
    commit("firefox: remove, and say so", Asked::Nothing, |set| {
        fs::remove_file(set.join("pkgs/applications/networking/browsers/firefox/wrapper.nix")).expect("removed");
        replace(set, TOP, "  firefox = callPackage ../applications/networking/browsers/firefox/wrapper.nix { };\n", "");
        replace(set, "pkgs/top-level/aliases.nix", "  rg = ", "  firefox = throw \"'firefox' has been removed\";\n  rg = ");
    }),
    commit("hello: a README", Asked::Nothing, |set| write(set, "pkgs/by-name/he/hello/README.md", "Hello.\n")),
    commit("README: a paragraph", Asked::Nothing, |set| append(set, "README.md", "\nMore.\n")),
    commit("maintainers: add one", Asked::Nothing, |set| {
        edit(set, "maintainers/maintainer-list.nix", |text| {
            text.replacen('{', "{\n  zoe = {\n    name = \"Zoe\";\n    github = \"zoe\";\n    githubId = 9;\n  };\n", 1)
        });
    }),
    commit("ci: a comment", Asked::Nothing, |set| append(set, "ci/outpaths.nix", "# more\n")),
    commit("jq: another main program", Asked::Bound, |set| {
        replace(set, "pkgs/by-name/jq/jq/package.nix", "mainProgram = \"jq\"", "mainProgram = \"jjq\"");
    }),
    // Nix files that a build reads as they are.
    commit_on(
        |set| {
            replace(set, HELLO, "  passthru", "  config = ./config.nix;\n  passthru");
            write(set, "pkgs/by-name/he/hello/config.nix", "# one\n{ }\n");
        },
        "hello: a comment in a Nix file that it reads",
        Asked::All,
        |set| replace(set, "pkgs/by-name/he/hello/config.nix", "# one", "# two"),
    ),
    commit_on(local_source, "fd: meta in a Nix file of its source", Asked::All, |set| {
        replace(set, "pkgs/by-name/fd/fd/src/config.nix", "a = 1", "a = 2");
    }),
    commit_on(local_source, "fd: an executable Nix file in its source", Asked::All, |set| {
        let path = set.join("pkgs/by-name/fd/fd/src/config.nix");
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("made executable");
    }),
    commit_on(
        |set| {
            local_source(set);
            write(set, "pkgs/by-name/fd/fd/src/main.c", "one\n");
        },
        "fd: another description, and a Nix file less in its source",
        Asked::All,
        |set| {
            replace(set, FD, "meta = { }", "meta = { description = \"x\"; }");
            fs::remove_file(set.join("pkgs/by-name/fd/fd/src/config.nix")).expect("removed");
        },
    ),
    commit_on(
        |set| write(set, FD, &LOCAL_SOURCE.replace("./src", "./.")),
        "fd: a comment in an expression that is part of its source",
        Asked::All,
        |set| append(set, FD, "# more\n"),
    ),
    commit_on(
        |set| write(set, FD, &LOCAL_SOURCE.replace("./src", "./.")),
        "fd: another description in an expression that is part of its source",
        Asked::All,
        |set| replace(set, FD, "meta = { }", "meta = { description = \"x\"; }"),
    ),
    commit_on(
        |set| {
            local_source(set);
            write(set, "pkgs/by-name/fd/fd/other.nix", "{ stdenv }:\nstdenv.mkDerivation {\n  name = \"other\";\n}\n");
            replace(set, TOP, "  xz = callPackage", "  fdOther = callPackage ../by-name/fd/fd/other.nix { };\n\n  xz = callPackage");
        },
        "fd: a comment beside its source",
        Asked::Nothing,
        |set| append(set, "pkgs/by-name/fd/fd/other.nix", "# more\n"),
    ),
    // The same bindings, in another set.
    commit_on(
        |set| {
            write(
                set,
                HELLO,
                "{ lib, stdenv }:\nstdenv.mkDerivation (\n{\n  pname = \"hello\";\n  version = \"2.12.1\";\n  dontStrip = true;\n  \
                 meta = { };\n}\n// lib.optionalAttrs (stdenv.isDarwin or false) {\n  NIX_LDFLAGS = \"x\";\n})\n",
            );
        },
        "hello: a binding only elsewhere",
        Asked::All,
        |set| {
            replace(set, HELLO, "  dontStrip = true;\n", "");
            replace(set, HELLO, "  NIX_LDFLAGS", "  dontStrip = true;\n  NIX_LDFLAGS");
        },
    ),
    commit_on(
        |set| {
            write(
                set,
                FD,
                &LOCAL_SOURCE
                    .replace("mkDerivation {", "mkDerivation ({ flag = \"a\"; } // {")
                    .replace("flag = 1;", "flag = \"b\";")
                    .replace("src = ./src;\n", "")
                    .replace("};\n}", "};\n})"),
            );
        },
        "fd: the values of two sets swapped",
        Asked::All,
        |set| {
            replace(set, FD, "flag = \"a\"", "flag = \"c\"");
            replace(set, FD, "flag = \"b\"", "flag = \"a\"");
            replace(set, FD, "flag = \"c\"", "flag = \"b\"");
        },
    ),
    commit_on(
        |set| replace(set, TOP, "  ### TOOLS\n", "  ### TOOLS\n  sett = {\n    foo = callPackage ../tools/compression/xz { };\n  };\n"),
        "sett: recurse into it",
        Asked::Nothing,
        |set| replace(set, TOP, "  sett = {", "  sett = lib.recurseIntoAttrs {"),
    ),
    // What is only called `meta`, and `meta` that is read.
    commit_on(
        |set| replace(set, HELLO, "  passthru", "  manifest = builtins.toJSON { meta = { a = 1; }; };\n  passthru"),
        "hello: what is called meta in a file of it",
        Asked::All,
        |set| replace(set, HELLO, "a = 1", "a = 2"),
    ),
    commit_on(
        |set| {
            replace(
                set,
                &library("openssl/generic.nix"),
                "  pname = \"openssl\";",
                "  pname = \"openssl\";\n  comment = meta.description;",
            );
            replace(set, &library("openssl/generic.nix"), "  license,\n", "  license,\n  meta,\n");
            for version in ["3.3", "1.1"] {
                let meta = "  meta = {\n    description = \"desc\";\n  };\n  license = lib";
                replace(set, &library(&format!("openssl/{version}.nix")), "  license = lib", meta);
            }
        },
        "openssl: a description that its builder reads",
        Asked::Bound,
        |set| replace(set, &library("openssl/3.3.nix"), "\"desc\"", "\"other\""),
    ),
    // What comes and goes.
    commit_on(
        |set| {
            replace(set, "pkgs/by-name/cu/curlMinimal/package.nix", "  nghttp2,", "  nghttp2 ? null,");
            replace(set, "pkgs/by-name/no/nodejs/package.nix", "  nghttp2,", "  nghttp2 ? null,");
        },
        "nghttp2: remove what others can do without",
        Asked::Bound,
        |set| fs::remove_dir_all(set.join("pkgs/by-name/ng/nghttp2")).expect("removed"),
    ),
    commit_on(
        |set| replace(set, "pkgs/top-level/aliases.nix", "final.ripgrep", "final.ripgrep or final.fd"),
        "ripgrep: remove, another name of it means another package then",
        Asked::Bound,
        |set| fs::remove_dir_all(set.join("pkgs/by-name/ri/ripgrep")).expect("removed"),
    ),
    commit_on(
        |set| add_variant(set, "fdMinimal = (final.fd or hello)"),
        "fd: remove, a variant is made of another package then",
        Asked::Bound,
        |set| fs::remove_dir_all(set.join("pkgs/by-name/fd/fd")).expect("removed"),
    ),
    commit_on(
        |set| {
            add_variant(set, "newcomerMinimal = (final.newcomer or hello)");
            add_newcomer(set);
        },
        "newcomer: remove from a category, a variant is made of another package then",
        Asked::Bound,
        |set| {
            fs::remove_dir_all(set.join("pkgs/tools/misc/newcomer")).expect("removed");
            replace(set, TOP, "  newcomer = callPackage ../tools/misc/newcomer { };\n\n", "");
        },
    ),
    commit("torchvision: remove from two sets", Asked::Nothing, remove_torchvision),
    commit_on(
        |set| write(set, "pkgs/by-name/to/torchvision/package.nix", NEW_PACKAGE),
        "torchvision: remove from two sets, one of by-name stays",
        Asked::Nothing,
        remove_torchvision,
    ),
    commit_on(
        |set| write(set, "pkgs/by-name/to/torchvision/package.nix", NEW_PACKAGE),
        "torchvision: remove from by-name, those of two sets stay",
        Asked::Nothing,
        |set| {
            fs::remove_dir_all(set.join("pkgs/by-name/to/torchvision")).expect("removed");
            append(set, PYTHON, "# more\n");
        },
    ),
    commit("lld: remove from the top level", Asked::Nothing, remove_lld),
    commit_on(remove_lld, "lld: add to the top level", Asked::Nothing, |set| replace(set, TOP, "clang llvm;", "clang lld llvm;")),
    commit("qt6: rename the set", Asked::All, |set| {
        replace(set, TOP, "  qt6 = lib", "  qt = lib");
        edit(set, "pkgs/by-name/qb/qbittorrent/package.nix", |text| text.replace("qt6", "qt"));
    }),
    commit("fd: rename to find", Asked::Nothing, |set| rename(set, "pkgs/by-name/fd/fd", "pkgs/by-name/fi/find")),
    commit_on(
        |set| {
            let sett = "  ### TOOLS\n  sett = lib.recurseIntoAttrs {\n    foo = hello;\n    bar = callPackage ../tools/compression/xz { };\n  };\n";
            replace(set, TOP, "  ### TOOLS\n", sett);
        },
        "sett: remove another name of xz",
        Asked::Nothing,
        |set| replace(set, TOP, "    bar = callPackage ../tools/compression/xz { };\n", ""),
    ),
    commit("lib, stdenv: a README", Asked::Nothing, |set| {
        write(set, "lib/README.md", "The library.\n");
        write(set, "pkgs/stdenv/README.md", "The standard environment.\n");
    }),
    commit_on(
        |set| {
            write(set, "lib/README.md", "The library.\n");
            replace(set, HELLO, "  passthru", "  doc = ../../../../lib/README.md;\n  passthru");
        },
        "lib: a README that is read",
        Asked::Bound,
        |set| append(set, "lib/README.md", "More.\n"),
    ),
    // Variants without an attribute.
    commit_on(
        |set| {
            let package = LOCAL_SOURCE.replace("\"fd\"", "\"gzip\"").replace("10.2.0", "1.13");
            write(set, GZIP, &package.replace("src = ./src;", "code = builtins.readFile ./src/main.c;"));
            write(set, "pkgs/by-name/gz/gzip/src/main.c", "one\n");
        },
        "gzip: a file of a package without a source",
        Asked::All,
        |set| append(set, "pkgs/by-name/gz/gzip/src/main.c", "two\n"),
    ),
    commit_on(
        |set| {
            let old = "expat.overrideAttrs (old: { version = \"1.0\"; src = fetchurl { url = \"mirror://gnu/expat-1.0.tar.xz\"; \
                       hash = \"sha256-xK82ysriNdm07i/V0jYkLJaDcTkAORQgz/5XKpROLpE=\"; }; })";
            let package = "{ stdenv, fetchurl, expat }:\nstdenv.mkDerivation {\n  pname = \"usesold\";\n  version = \"1.0\";\n  buildInputs = [ (OLD) ];\n  meta = { };\n}\n";
            write(set, "pkgs/by-name/us/usesold/package.nix", &package.replace("OLD", old));
        },
        "expat: a flag, which another package takes over",
        Asked::Bound,
        |set| replace(set, "pkgs/by-name/ex/expat/package.nix", "pname = ", "flag = 1;\n  pname = "),
    ),
    commit_on(
        |set| {
            let renamed = "  angie = (if true then nginx else hello).overrideAttrs (old: { pname = \"angie\"; src = hello.src; });\n\n  \
                           xz = callPackage";
            replace(set, TOP, "  xz = callPackage", renamed);
        },
        "nginx: another flag, another package is made of one of two",
        Asked::Bound,
        |set| {
            let called = "callPackage ../servers/http/nginx { }";
            replace(set, TOP, &format!("nginx = {called};"), &format!("nginx = ({called}).overrideAttrs (old: {{ other = 1; }});"));
        },
    ),
    // What is below many packages.
    commit("stdenv: setup.sh", Asked::Bound, |set| append(set, "pkgs/stdenv/generic/setup.sh", "# more\n")),
    commit("stdenv: mkDerivation", Asked::Bound, |set| {
        replace(
            set,
            "pkgs/stdenv/generic/make-derivation.nix",
            "builder = attrs.builder or \"/bin/sh\";",
            "flag = \"1\";\n          builder = attrs.builder or \"/bin/sh\";",
        );
    }),
    commit("stdenv: the bootstrap", Asked::Bound, |set| {
        replace(set, "pkgs/stdenv/linux/default.nix", "name = \"bootstrap-${name}-stdenv-linux\"", "name = \"boot-${name}-stdenv-linux\"");
    }),
    commit("fetchurl: its builder", Asked::Bound, |set| append(set, "pkgs/build-support/fetchurl/builder.sh", "# more\n")),
    commit("fetchurl: executable builder", Asked::Bound, |set| {
        let path = set.join("pkgs/build-support/fetchurl/builder.sh");
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("made executable");
    }),
    commit("fetchPypi: a mirror", Asked::Bound, |set| {
        edit(set, "pkgs/development/interpreters/python/fetch-pypi.nix", |text| text.replacen("pypi/", "pypi/simple/", 1));
    }),
    commit("cc-wrapper: its hook", Asked::Bound, |set| append(set, "pkgs/build-support/cc-wrapper/setup-hook.sh", "# more\n")),
    commit("buildRustPackage: a flag", Asked::Bound, |set| {
        replace(set, "pkgs/build-support/rust/build-rust-package.nix", "nativeBuildInputs = [", "flag = \"1\";\n    nativeBuildInputs = [");
    }),
    commit("buildPythonPackage: a flag", Asked::Bound, |set| {
        replace(
            set,
            "pkgs/development/interpreters/python/build-python-package.nix",
            "nativeBuildInputs = [",
            "flag = \"1\";\n      nativeBuildInputs = [",
        );
    }),
    commit("pypaBuildHook: a line", Asked::Bound, |set| {
        append(set, "pkgs/development/interpreters/python/hooks/pypa-build-hook.sh", "# more\n");
    }),
    commit("wrapCCWith: another name", Asked::Bound, |set| replace(set, TOP, "name ? \"gcc-wrapper-", "name ? \"gnu-wrapper-")),
    commit("testers: a flag", Asked::Bound, |set| {
        edit(set, "pkgs/build-support/testers/default.nix", |text| {
            text.replacen("nativeBuildInputs", "flag = \"1\";\n      nativeBuildInputs", 1)
        });
    }),
    commit("lib: getDev gives out", Asked::Bound, |set| {
        edit(set, "lib/attrsets.nix", |text| text.replacen("getOutput \"dev\"", "getOutput \"out\"", 1));
    }),
    commit("lib: a comment", Asked::Nothing, |set| append(set, "lib/strings.nix", "# more\n")),
    commit("nixosTests.nginx: with git", Asked::All, |set| {
        edit(set, "nixos/tests/nginx.nix", |text| {
            text.replacen("  nginx,\n", "  nginx,\n  git,\n", 1).replacen("    curl.bin\n", "    curl.bin\n    git\n", 1)
        });
    }),
    commit("nixosTests: a flag for all", Asked::Bound, |set| {
        replace(set, "nixos/tests/make-test.nix", "requiredSystemFeatures", "flag = \"1\";\n  requiredSystemFeatures");
    }),
    commit("default.nix: i686 by default", Asked::Bound, |set| {
        replace(
            set,
            "default.nix",
            "inherit system config;",
            "system = builtins.replaceStrings [ \"x86_64\" ] [ \"i686\" ] system; inherit config;",
        );
    }),
    commit("top-level: aliases last", Asked::Bound, |set| {
        edit(set, "pkgs/top-level/stage.nix", |text| {
            let aliases = "    (import ./aliases.nix { inherit lib config; })\n";
            text.replacen(aliases, "", 1).replacen("    overrides\n  ]", &format!("    overrides\n{aliases}  ]"), 1)
        });
    }),
];
