{
  lib,
  stdenv,
  cmake,
  llvm,
  monorepoSrc,
  ninja,
  python3,
  version,
}:

stdenv.mkDerivation {
  pname = "clang";
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
    python3
  ];
  buildInputs = [ llvm ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "C language family frontend for LLVM";
    mainProgram = "clang";
    license = lib.licenses.asl20;
    maintainers = [ lib.maintainers.emre ];
  };
}
