{
  lib,
  stdenv,
  cmake,
  llvmPackages,
  openssl,
  python3,
  rustSrc,
  rustVersion,
}:

stdenv.mkDerivation {
  pname = "rustc";
  version = rustVersion;
  src = rustSrc;

  outputs = [
    "out"
    "man"
    "doc"
  ];

  nativeBuildInputs = [
    cmake
    python3
  ];
  buildInputs = [
    llvmPackages.llvm
    openssl
  ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "Safe, concurrent, practical language";
    homepage = "https://www.rust-lang.org/";
    license = [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    teams = [ lib.teams.rust ];
  };
}
