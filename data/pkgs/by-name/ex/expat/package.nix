{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "expat";
  version = "2.6.4";

  src = fetchurl {
    url = "https://github.com/libexpat/libexpat/releases/download/R_2_6_4/expat-${finalAttrs.version}.tar.xz";
    hash = "sha256-CwayAMgWSmC/LWtgL+9e5+ZAHt/AQu3Vno/80tKSBms=";
  };

  outputs = [
    "out"
    "dev"
  ];

  meta = {
    description = "Stream-oriented XML parser library written in C";
    license = lib.licenses.mit;
    maintainers = [ ];
  };
})
