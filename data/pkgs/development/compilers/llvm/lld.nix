{
  lib,
  stdenv,
  cmake,
  llvm,
  monorepoSrc,
  ninja,
  version,
}:

stdenv.mkDerivation {
  pname = "lld";
  inherit version;
  src = monorepoSrc;

  outputs = [
    "out"
    "lib"
    "dev"
  ];

  nativeBuildInputs = [
    cmake
    ninja
  ];
  buildInputs = [ llvm ];

  meta = {
    description = "LLVM linker";
    license = lib.licenses.asl20;
    maintainers = [ lib.maintainers.emre ];
  };
}
