{
  lib,
  stdenv,
  fetchurl,
  gnum4,
  perl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "bison";
  version = "3.8.2";

  src = fetchurl {
    url = "mirror://gnu/bison/bison-${finalAttrs.version}.tar.gz";
    hash = "sha256-v4kl4DPl3Gf/BAhhnrfonh56uf9GbdgoiMTTNE1v+jk=";
  };

  nativeBuildInputs = [
    gnum4
    perl
  ];

  meta = {
    description = "Yacc-compatible parser generator";
    license = lib.licenses.gpl3Plus;
    maintainers = [ ];
  };
})
