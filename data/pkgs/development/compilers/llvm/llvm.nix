{
  lib,
  stdenv,
  cmake,
  libxml2,
  monorepoSrc,
  ncurses,
  ninja,
  python3,
  version,
  zlib,
}:

stdenv.mkDerivation {
  pname = "llvm";
  inherit version;
  src = monorepoSrc;

  outputs = [
    "out"
    "lib"
    "dev"
  ];

  patches = [ ./gnu-install-dirs.patch ];

  nativeBuildInputs = [
    cmake
    ninja
    python3
  ];
  buildInputs = [
    libxml2
    ncurses
  ];
  propagatedBuildInputs = [ zlib ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "Collection of modular and reusable compiler and toolchain technologies";
    homepage = "https://llvm.org/";
    license = lib.licenses.asl20;
    maintainers = [ lib.maintainers.emre ];
  };
}
