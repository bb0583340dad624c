{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "gzip";
  version = "1.13";

  src = fetchurl {
    url = "mirror://gnu/gzip/gzip-${finalAttrs.version}.tar.xz";
    hash = "sha256-xK82ysriNdm07i/V0jYkLJaDcTkAORQgz/5XKpROLpE=";
  };

  outputs = [
    "out"
    "man"
  ];

  meta = {
    description = "GNU zip compression program";
    license = lib.licenses.gpl3Plus;
    maintainers = [ ];
  };
})
