{
  lib,
  stdenv,
  fetchurl,
  perl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "gnused";
  version = "4.9";

  src = fetchurl {
    url = "mirror://gnu/sed/sed-${finalAttrs.version}.tar.xz";
    hash = "sha256-UhHdKNTVAUaEnOxpUMLSjFyb0n14xhaf4xA1RqPA7kw=";
  };

  nativeBuildInputs = [ perl ];

  meta = {
    description = "GNU sed, a batch stream editor";
    license = lib.licenses.gpl3Plus;
    maintainers = [ lib.maintainers.ada ];
  };
})
