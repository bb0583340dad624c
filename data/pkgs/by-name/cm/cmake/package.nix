{
  lib,
  stdenv,
  fetchurl,
  curl,
  expat,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "cmake";
  version = "3.30.5";

  src = fetchurl {
    url = "https://cmake.org/files/v3.30/cmake-${finalAttrs.version}.tar.gz";
    hash = "sha256-ZafLeeoJFFgSduSsp6sZDvC1dOBRV+x7pb0q18GSJ0s=";
  };

  buildInputs = [
    curl
    expat
    zlib
  ];

  meta = {
    description = "Cross-platform, open-source build system generator";
    license = lib.licenses.bsd3;
    maintainers = [ lib.maintainers.bela ];
  };
})
