{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "gnumake";
  version = "4.4.1";

  src = fetchurl {
    url = "mirror://gnu/make/make-${finalAttrs.version}.tar.gz";
    hash = "sha256-VU22EMlH9SJWcU9uJEcuo24fFop0aWY7Wrd/eCnOXfY=";
  };

  meta = {
    description = "Tool to control the generation of non-source files from sources";
    license = lib.licenses.gpl3Plus;
    maintainers = [ ];
  };
})
