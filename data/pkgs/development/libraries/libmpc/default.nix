{
  lib,
  stdenv,
  fetchurl,
  gmp,
  mpfr,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "libmpc";
  version = "1.3.1";

  src = fetchurl {
    url = "mirror://gnu/mpc/mpc-${finalAttrs.version}.tar.gz";
    hash = "sha256-nix4awpoke90cygy7ptymxH50aI//Fexnm4bGEqvCmk=";
  };

  buildInputs = [
    gmp
    mpfr
  ];

  meta = {
    description = "Library for multiprecision complex arithmetic";
    license = lib.licenses.lgpl21Plus;
    maintainers = [ ];
  };
})
