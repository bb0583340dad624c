{
  lib,
  stdenv,
  fetchurl,
  newScope,
  pkgs,
  expat,
  libffi,
  ncurses,
  openssl,
  pkg-config,
  readline,
  sqlite,
  tzdata,
  xz,
  zlib,
  # the version to build, and its attribute name
  version,
  hash,
  self,
}:

let
  pythonVersion = lib.majorMinor version;
  python = pkgs.${self};
in
stdenv.mkDerivation {
  pname = "python3";
  inherit version;

  src = fetchurl {
    url = "https://www.python.org/ftp/python/${version}/Python-${version}.tar.xz";
    inherit hash;
  };

  patches = [
    ./no-ldconfig.patch
  ]
  ++ lib.optional (lib.versionOlder version "3.12") ./3.11/darwin-libutil.patch;

  nativeBuildInputs = [ pkg-config ];
  buildInputs = [
    expat
    libffi
    ncurses
    openssl
    readline
    sqlite
    tzdata
    xz
    zlib
  ];

  passthru = {
    inherit pythonVersion;
    pkgs = lib.makeScope newScope (
      scope: { inherit python; } // import ../../../top-level/python-packages.nix scope
    );
    tests = {
      inherit (python.pkgs) requests;
    };
  };

  meta = {
    description = "High-level dynamically-typed programming language";
    homepage = "https://www.python.org";
    mainProgram = "python${pythonVersion}";
    license = lib.licenses.psfl;
    teams = [ lib.teams.python ];
  };
}
