{
  lib,
  stdenv,
  fetchFromGitHub,
  cmake,
  openssl,
  qt6,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "qbittorrent";
  version = "5.0.1";

  src = fetchFromGitHub {
    owner = "qbittorrent";
    repo = "qBittorrent";
    tag = "release-${finalAttrs.version}";
    hash = "sha256-6tHnS5UqTHnwOLFKQf3DUrZgzJMWrGRbdgGMdrV7LpY=";
  };

  nativeBuildInputs = [ cmake ];
  buildInputs = [
    openssl
    qt6.qtbase
    qt6.qtsvg
    zlib
  ];

  meta = {
    description = "Featureful free software BitTorrent client";
    mainProgram = "qbittorrent";
    license = lib.licenses.gpl2Only;
    teams = [ lib.teams.qt ];
  };
})
