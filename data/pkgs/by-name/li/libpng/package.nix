{
  lib,
  stdenv,
  fetchurl,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "libpng";
  version = "1.6.43";

  src = fetchurl {
    url = "mirror://sourceforge/libpng/libpng-${finalAttrs.version}.tar.xz";
    hash = "sha256-bz8tAfRBkNakjS7aCFT+8ZTipyPyZdjH8MBR03oovhU=";
  };

  outputs = [
    "out"
    "dev"
    "man"
  ];

  propagatedBuildInputs = [ zlib ];

  meta = {
    description = "Official reference implementation for the PNG file format";
    license = lib.licenses.zlib;
    maintainers = [ ];
  };
})
