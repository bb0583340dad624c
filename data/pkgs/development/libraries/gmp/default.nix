{
  lib,
  stdenv,
  fetchurl,
  gnum4,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "gmp";
  version = "6.3.0";

  outputs = [
    "out"
    "dev"
  ];

  src = fetchurl {
    url = "mirror://gnu/gmp/gmp-${finalAttrs.version}.tar.bz2";
    hash = "sha256-28e+lZbmSncRnRbdqfYB7nymR3+J5gQBRWmak1odhaY=";
  };

  nativeBuildInputs = [ gnum4 ];

  meta = {
    description = "GNU multiple precision arithmetic library";
    license = lib.licenses.lgpl3Plus;
    maintainers = [ ];
  };
})
