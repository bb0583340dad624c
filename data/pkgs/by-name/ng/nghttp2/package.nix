{
  lib,
  stdenv,
  fetchurl,
  openssl,
  pkg-config,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "nghttp2";
  version = "1.64.0";

  src = fetchurl {
    url = "https://github.com/nghttp2/nghttp2/releases/download/v${finalAttrs.version}/nghttp2-${finalAttrs.version}.tar.bz2";
    hash = "sha256-1V/GqC6IX0CnZ+SqhUA6bQC6k0Chx59z6l25Zn7+veQ=";
  };

  outputs = [
    "out"
    "dev"
    "lib"
  ];

  nativeBuildInputs = [ pkg-config ];
  buildInputs = [
    openssl
    zlib
  ];

  meta = {
    description = "HTTP/2 C library and tools";
    license = lib.licenses.mit;
    maintainers = [ lib.maintainers.chen ];
  };
})
