{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "xz";
  version = "5.6.3";

  src = fetchurl {
    url = "https://xz.example.org/releases/xz-${finalAttrs.version}.tar.xz";
    hash = "sha256-v2M6nvTUC4o5zSUdx7iKJSzQ81DjhxkBxdJ91Fxc8Go=";
  };

  outputs = [
    "bin"
    "dev"
    "out"
    "man"
    "doc"
  ];

  meta = {
    description = "General-purpose data compression software, successor of LZMA";
    license = lib.licenses.gpl2Only;
    maintainers = [ lib.maintainers.bela ];
  };
})
