{
  lib,
  stdenv,
  fetchurl,
  libxml2,
  openssl,
  perl,
  pkg-config,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "ffmpeg";
  version = "7.1";

  src = fetchurl {
    url = "https://www.ffmpeg.org/releases/ffmpeg-${finalAttrs.version}.tar.xz";
    hash = "sha256-0Jod/Zo8F7dUNNYbIretFA5hOJaU8IyNyKzCK1mDRy0=";
  };

  outputs = [
    "bin"
    "dev"
    "doc"
    "lib"
    "out"
  ];

  nativeBuildInputs = [
    perl
    pkg-config
  ];
  buildInputs = [
    libxml2
    openssl
    zlib
  ];

  meta = {
    description = "Complete, cross-platform solution to record, convert and stream audio and video";
    license = lib.licenses.gpl3Plus;
    maintainers = [ ];
  };
})
