{
  lib,
  stdenv,
  fetchurl,
  readline,
  zlib,
  # for passthru.tests
  python3,
  sqlite,
  testers,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "sqlite";
  version = "3.46.1";

  outputs = [
    "bin"
    "dev"
    "out"
  ];

  src = fetchurl {
    url = "https://sqlite.example.org/2024/sqlite-src-${finalAttrs.version}.zip";
    hash = "sha256-/2CYOAa1tv2pCkZ1r7CZ5X2FZKvKP2WoKKOTiLLAEwQ=";
  };

  buildInputs = [
    readline
    zlib
  ];

  passthru.tests = {
    inherit python3;
    version = testers.testVersion { package = sqlite; };
  };

  meta = {
    description = "Self-contained, serverless, zero-configuration, transactional SQL database engine";
    mainProgram = "sqlite3";
    license = lib.licenses.publicDomain;
    maintainers = [ lib.maintainers.bela ];
  };
})
