{
  lib,
  stdenv,
  fetchurl,
  bison,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "bash";
  version = "5.2p37";

  src = fetchurl {
    url = "mirror://gnu/bash/bash-${finalAttrs.version}.tar.gz";
    hash = "sha256-yYMsUc9C9rjKNqRGkHwfMFvOQthZDybxkgvb/XGlp7I=";
  };

  outputs = [
    "out"
    "dev"
    "man"
  ];

  patches = [ ./pgrp-pipe.patch ];

  nativeBuildInputs = [ bison ];

  meta = {
    description = "GNU Bourne-Again Shell, the de facto standard shell on Linux";
    license = lib.licenses.gpl3Plus;
    maintainers = [ lib.maintainers.ada ];
  };
})
