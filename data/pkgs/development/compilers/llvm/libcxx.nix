{
  lib,
  stdenv,
  clang,
  cmake,
  lld,
  monorepoSrc,
  ninja,
  version,
}:

stdenv.mkDerivation {
  pname = "libcxx";
  inherit version;
  src = monorepoSrc;

  outputs = [
    "out"
    "dev"
  ];

  nativeBuildInputs = [
    clang.out
    cmake
    lld.out
    ninja
  ];

  meta = {
    description = "C++ standard library";
    license = lib.licenses.asl20;
    maintainers = [ lib.maintainers.emre ];
  };
}
