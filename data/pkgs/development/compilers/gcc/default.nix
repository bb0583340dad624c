{
  lib,
  stdenv,
  fetchurl,
  gmp,
  libmpc,
  mpfr,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "gcc";
  version = "13.3.0";

  outputs = [
    "out"
    "lib"
    "man"
  ];

  src = fetchurl {
    url = "mirror://gcc/releases/gcc-${finalAttrs.version}/gcc-${finalAttrs.version}.tar.xz";
    hash = "sha256-ps/FDEOo0n3oWLcXn2l+cIvMt39vC/GzDQSNpRKxVZU=";
  };

  patches = [ ./no-sys-dirs.patch ];

  buildInputs = [
    gmp
    libmpc
    mpfr
    zlib
  ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "GNU Compiler Collection";
    homepage = "https://gcc.gnu.org/";
    license = lib.licenses.gpl3Plus;
    maintainers = [ lib.maintainers.ada ];
    platforms = lib.platforms.linux;
  };
})
