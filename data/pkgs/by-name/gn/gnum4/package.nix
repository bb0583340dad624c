{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "gnum4";
  version = "1.4.19";

  src = fetchurl {
    url = "mirror://gnu/m4/m4-${finalAttrs.version}.tar.bz2";
    hash = "sha256-JnCxD8e5uE5Aw0EuWnY/Cfq6ulMxehZ8fqnUxxZOuNM=";
  };

  meta = {
    description = "GNU M4, a macro processor";
    license = lib.licenses.gpl3Plus;
    maintainers = [ ];
  };
})
