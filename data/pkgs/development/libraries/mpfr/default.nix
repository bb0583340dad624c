{
  lib,
  stdenv,
  fetchurl,
  gmp,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "mpfr";
  version = "4.2.1";

  outputs = [
    "out"
    "dev"
    "doc"
  ];

  src = fetchurl {
    url = "mirror://gnu/mpfr/mpfr-${finalAttrs.version}.tar.xz";
    hash = "sha256-WNftlSNUtKmDB0bEWygf9uJrMbjFmT3K01iVGB6jwoI=";
  };

  propagatedBuildInputs = [ gmp ];

  meta = {
    description = "Library for multiple-precision floating-point arithmetic";
    license = lib.licenses.lgpl21Plus;
    maintainers = [ ];
  };
})
