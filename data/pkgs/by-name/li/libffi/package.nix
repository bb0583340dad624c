{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "libffi";
  version = "3.4.6";

  src = fetchurl {
    url = "https://github.com/libffi/libffi/releases/download/v${finalAttrs.version}/libffi-${finalAttrs.version}.tar.gz";
    hash = "sha256-FypRgRxTjWz1+5T3e7iuK+/8TXIZwnjeT/gnK+eWeaA=";
  };

  outputs = [
    "out"
    "dev"
    "man"
  ];

  meta = {
    description = "Foreign function call interface library";
    license = lib.licenses.mit;
    maintainers = [ lib.maintainers.bela ];
  };
})
