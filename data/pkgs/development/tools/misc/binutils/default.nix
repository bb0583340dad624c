{
  lib,
  stdenv,
  fetchurl,
  bison,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "binutils";
  version = "2.43.1";

  outputs = [
    "out"
    "lib"
    "dev"
  ];

  src = fetchurl {
    url = "mirror://gnu/binutils/binutils-with-gold-${finalAttrs.version}.tar.bz2";
    hash = "sha256-oSZ+J3vPez4AEu2k9rmeLviYpxnqGHD1v6kArAZydKQ=";
  };

  patches = [ ./deterministic.patch ];

  nativeBuildInputs = [ bison ];
  buildInputs = [ zlib ];

  meta = {
    description = "Tools for manipulating binaries (linker, assembler, etc.)";
    license = lib.licenses.gpl3Plus;
    maintainers = [ lib.maintainers.ada ];
  };
})
