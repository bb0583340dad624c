{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "gnutar";
  version = "1.35";

  src = fetchurl {
    url = "mirror://gnu/tar/tar-${finalAttrs.version}.tar.xz";
    hash = "sha256-queXLiLt1Lxj1lgzesEZm4vVs4ptuDPSE0dxJnL02Qg=";
  };

  meta = {
    description = "GNU implementation of the tar archiver";
    license = lib.licenses.gpl3Plus;
    maintainers = [ ];
  };
})
