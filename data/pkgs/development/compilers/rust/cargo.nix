{
  lib,
  stdenv,
  curl,
  openssl,
  pkg-config,
  rustSrc,
  rustVersion,
  rustc,
  zlib,
}:

stdenv.mkDerivation {
  pname = "cargo";
  version = rustVersion;
  src = rustSrc;

  nativeBuildInputs = [
    pkg-config
    rustc
  ];
  buildInputs = [
    curl
    openssl
    zlib
  ];

  meta = {
    description = "Downloads your Rust project's dependencies and builds your project";
    mainProgram = "cargo";
    license = [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    teams = [ lib.teams.rust ];
  };
}
