# The parts of LLVM, all made from one source.
{
  lib,
  newScope,
  fetchurl,
}:

lib.makeScope newScope (self: {
  version = "18.1.8";
  monorepoSrc = fetchurl {
    url = "https://github.com/llvm/llvm-project/releases/download/llvmorg-${self.version}/llvm-project-${self.version}.src.tar.xz";
    hash = "sha256-rm6hFNLfJcyHhOxRKP9TCHsklkBDjEW8ueSme0ym2GI=";
  };

  llvm = self.callPackage ./llvm.nix { };
  clang = self.callPackage ./clang.nix { };
  lld = self.callPackage ./lld.nix { };
  libcxx = self.callPackage ./libcxx.nix { };
})
