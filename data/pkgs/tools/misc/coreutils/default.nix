{
  lib,
  stdenv,
  fetchurl,
  gmp,
  perl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "coreutils";
  version = "9.5";

  src = fetchurl {
    url = "mirror://gnu/coreutils/coreutils-${finalAttrs.version}.tar.xz";
    hash = "sha256-P3L9E00yFqZ6W9m5rMjKzBNPuQVxNVZSZf7ss3oQPko=";
  };

  outputs = [
    "out"
    "info"
  ];

  nativeBuildInputs = [ perl ];
  buildInputs = [ gmp ];

  meta = {
    description = "GNU Core Utilities";
    license = lib.licenses.gpl3Plus;
    maintainers = [ lib.maintainers.ada ];
  };
})
