# Everything which is not in ../by-name: packages which are called more than
# once, belong together, or take arguments.
final: prev:

with final;

{
  ### BUILD SUPPORT

  wrapCCWith =
    {
      name ? "gcc-wrapper-${cc.version}",
      cc,
      libc,
      bintools,
    }:
    callPackage ../build-support/cc-wrapper {
      inherit
        name
        cc
        libc
        bintools
        ;
    };

  wrapBintoolsWith =
    {
      name ? "binutils-wrapper-${bintools.version}",
      bintools,
      libc,
    }:
    callPackage ../build-support/bintools-wrapper { inherit name bintools libc; };

  # The curl which fetches cannot itself be fetched with curl.
  fetchurl =
    let
      fetchurl = stdenv.fetchurlBoot;
    in
    import ../build-support/fetchurl {
      inherit lib stdenvNoCC;
      curl = curlMinimal.override rec {
        inherit fetchurl;
        perl = final.perl.override { inherit fetchurl; };
        pkg-config = final.pkg-config.override { inherit fetchurl; };
        openssl = final.openssl.override { inherit fetchurl perl; };
      };
    };

  fetchFromGitHub = import ../build-support/fetchgithub { inherit fetchurl; };
  fetchpatch = import ../build-support/fetchpatch { inherit fetchurl; };
  fetchCargoVendor = import ../build-support/rust/fetch-cargo-vendor.nix { inherit fetchurl cargo; };

  testers = callPackage ../build-support/testers { };

  makeTest = callPackage ../../nixos/tests/make-test.nix { };
  nixosTests = lib.recurseIntoAttrs (import ../../nixos/tests/all-tests.nix { inherit callPackage; });

  ### TOOLS

  bash = callPackage ../shells/bash { };

  coreutils = callPackage ../tools/misc/coreutils { };

  # With HTTP/2; fetchurl does without.
  curl = curlMinimal.override { http2Support = true; };

  xz = callPackage ../tools/compression/xz { };

  ### DEVELOPMENT / COMPILERS

  binutils-unwrapped = callPackage ../development/tools/misc/binutils { };

  gcc-unwrapped = callPackage ../development/compilers/gcc { };

  llvmPackages_18 = lib.recurseIntoAttrs (callPackage ../development/compilers/llvm { });
  llvmPackages = llvmPackages_18;
  inherit (llvmPackages) clang lld llvm;

  rustPackages = callPackage ../development/compilers/rust { };
  inherit (rustPackages) cargo rustc;

  rustPlatform = {
    buildRustPackage = callPackage ../build-support/rust/build-rust-package.nix { };
  };

  ### DEVELOPMENT / INTERPRETERS

  perl = callPackage ../development/interpreters/perl { };

  pythonInterpreters = callPackage ../development/interpreters/python { };
  inherit (pythonInterpreters) python311 python312;
  python3 = python312;

  python311Packages = lib.recurseIntoAttrs python311.pkgs;
  python312Packages = lib.recurseIntoAttrs python312.pkgs;
  python3Packages = lib.dontRecurseIntoAttrs python312Packages;

  ### DEVELOPMENT / LIBRARIES

  glibc = callPackage ../development/libraries/glibc { };

  gmp = callPackage ../development/libraries/gmp { };

  libmpc = callPackage ../development/libraries/libmpc { };

  mpfr = callPackage ../development/libraries/mpfr { };

  ncurses = callPackage ../development/libraries/ncurses { };

  openssl = callPackage ../development/libraries/openssl/3.3.nix { };
  openssl_1_1 = callPackage ../development/libraries/openssl/1.1.nix { };

  qt6 = lib.recurseIntoAttrs (callPackage ../development/libraries/qt-6 { });

  readline = callPackage ../development/libraries/readline { };

  sqlite = callPackage ../development/libraries/sqlite { };

  zlib = callPackage ../development/libraries/zlib { };

  ### DEVELOPMENT / SETS

  denoPackages = lib.recurseIntoAttrs (callPackage ../development/web/deno { });
  inherit (denoPackages) deno;

  nodePackages = lib.recurseIntoAttrs (callPackage ../development/node-packages { });

  ### SERVERS

  nginx = callPackage ../servers/http/nginx { };

  ### APPLICATIONS

  git = callPackage ../applications/version-management/git { };
  gitMinimal = git.override {
    perlSupport = false;
    pythonSupport = false;
    withManual = false;
  };

  firefox-unwrapped = callPackage ../applications/networking/browsers/firefox { };
  firefox = callPackage ../applications/networking/browsers/firefox/wrapper.nix { };

  ### OS-SPECIFIC

  linuxHeaders = callPackage ../os-specific/linux/kernel-headers { };

  linux_6_6 = callPackage ../os-specific/linux/kernel/linux-6.6.nix { };
  linuxPackages_6_6 = lib.recurseIntoAttrs (
    callPackage ./linux-kernels.nix { kernel = linux_6_6; }
  );
  linuxPackages = linuxPackages_6_6;

  # 32-bit libraries, for programs which come as 32-bit binaries.
  pkgsi686Linux = lib.recurseIntoAttrs {
    inherit (forceSystem "i686-linux")
      expat
      gcc
      glibc
      ncurses
      zlib
      ;
  };
}
