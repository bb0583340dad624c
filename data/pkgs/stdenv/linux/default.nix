# The bootstrap: from a tarball of binaries to a standard environment which was
# built by itself. Every stage is a whole package set; only what a later stage
# takes from it is ever evaluated.
#
#   stage  compiler            C library  builds for the next stages
#   1      bootstrap tools     theirs     binutils, glibc, and what glibc needs
#   2      bootstrap tools     glibc (1)  gcc, with gmp, mpfr and libmpc
#   3      gcc (2)             glibc (1)  binutils
#   4      gcc (2)             glibc (1)  glibc: the final one
#   5      gcc (2)             glibc (4)  gcc and binutils: the final ones
#   6      gcc (5)             glibc (4)  bash, coreutils and the other tools
#   final  gcc (5), rewrapped  glibc (4)  everything else
#
# So glibc needs gcc, gcc needs binutils, and binutils needs glibc: a cycle of
# packages, though not of derivations.
{
  lib,
  config,
  system,
  packagesOf,
}:

let
  fetchurlBoot = import ../../build-support/fetchurl/boot.nix { };
  bootstrapFiles = import ./bootstrap-files.nix { inherit fetchurlBoot system; };
  bootstrapTools = import ./bootstrap-tools.nix { inherit system bootstrapFiles; };

  mkStdenv = import ../generic { inherit lib config system; };

  # A package set whose sources are fetched without curl.
  stage =
    {
      name,
      cc,
      initialPath ? [ bootstrapTools ],
      overrides ? _: { },
    }:
    let
      stdenv = mkStdenv {
        name = "bootstrap-${name}-stdenv-linux";
        inherit cc initialPath fetchurlBoot;
      };
    in
    packagesOf {
      inherit stdenv;
      overrides = final: prev: { fetchurl = fetchurlBoot; } // overrides prev;
    };

  # A compiler and its tools for the next stage, wrapped by stage `prev`.
  wrapped =
    prev: name:
    {
      gcc,
      binutils,
      glibc,
    }:
    prev.wrapCCWith {
      name = "bootstrap-${name}-gcc-wrapper";
      cc = gcc;
      libc = glibc;
      bintools = prev.wrapBintoolsWith {
        name = "bootstrap-${name}-binutils-wrapper";
        bintools = binutils;
        libc = glibc;
      };
    };

  stage0 = stage {
    name = "stage0";
    cc = null;
  };

  stage1 = stage {
    name = "stage1";
    cc = wrapped stage0 "stage1" {
      gcc = bootstrapTools;
      binutils = bootstrapTools;
      glibc = bootstrapTools;
    };
  };

  # Built once and good enough until the final stage.
  buildTools = prev: {
    inherit (prev)
      bison
      gnum4
      linuxHeaders
      perl
      zlib
      ;
  };

  stage2 = stage {
    name = "stage2";
    cc = wrapped stage1 "stage2" {
      gcc = bootstrapTools;
      binutils = stage1.binutils-unwrapped;
      inherit (stage1) glibc;
    };
    overrides = _: buildTools stage1;
  };

  stage3 = stage {
    name = "stage3";
    cc = wrapped stage2 "stage3" {
      gcc = stage2.gcc-unwrapped;
      binutils = stage1.binutils-unwrapped;
      inherit (stage1) glibc;
    };
    overrides = _: buildTools stage2;
  };

  stage4 = stage {
    name = "stage4";
    cc = wrapped stage3 "stage4" {
      gcc = stage2.gcc-unwrapped;
      binutils = stage3.binutils-unwrapped;
      inherit (stage1) glibc;
    };
    overrides = _: buildTools stage3;
  };

  stage5 = stage {
    name = "stage5";
    cc = wrapped stage4 "stage5" {
      gcc = stage2.gcc-unwrapped;
      binutils = stage3.binutils-unwrapped;
      inherit (stage4) glibc;
    };
    overrides = _: removeAttrs (buildTools stage4) [ "zlib" ];
  };

  stage6 = stage {
    name = "stage6";
    cc = wrapped stage5 "stage6" {
      gcc = stage5.gcc-unwrapped;
      binutils = stage5.binutils-unwrapped;
      inherit (stage4) glibc;
    };
    overrides = _: buildTools stage5 // {
      inherit (stage5) gmp mpfr libmpc;
    };
  };

  initialPath = [
    stage6.bash
    stage6.coreutils
    stage6.gnumake
    stage6.gnused
    stage6.gnutar
    stage6.gzip
    stage6.patchelf
    stage6.xz.bin
  ];

  stdenv = mkStdenv {
    inherit initialPath fetchurlBoot;
    cc = stage6.wrapCCWith {
      name = "gcc-wrapper-${stage5.gcc-unwrapped.version}";
      cc = stage5.gcc-unwrapped;
      libc = stage4.glibc;
      bintools = stage6.wrapBintoolsWith {
        name = "binutils-wrapper-${stage5.binutils-unwrapped.version}";
        bintools = stage5.binutils-unwrapped;
        libc = stage4.glibc;
      };
    };
  };
in
packagesOf {
  inherit stdenv;
  # What the standard environment is made of is not built a second time.
  overrides = final: _: {
    inherit (stage4) glibc linuxHeaders;
    inherit (stage5)
      binutils-unwrapped
      gcc-unwrapped
      gmp
      libmpc
      mpfr
      ;
    # The derivation of stage 5, with the tests of this stage.
    zlib = stage5.zlib.override { inherit (final) libpng python3 testers; };
    inherit (stage6)
      bash
      coreutils
      gnumake
      gnused
      gnutar
      gzip
      patchelf
      xz
      ;
    gcc = stdenv.cc;
    binutils = stdenv.cc.bintools;
    stdenvNoCC = mkStdenv {
      name = "stdenv-linux";
      inherit initialPath fetchurlBoot;
    };
  };
}
