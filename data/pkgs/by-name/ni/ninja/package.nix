{
  lib,
  stdenv,
  fetchurl,
  python3,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "ninja";
  version = "1.12.1";

  src = fetchurl {
    url = "https://github.com/ninja-build/ninja/archive/v${finalAttrs.version}.tar.gz";
    hash = "sha256-VaPvTVNH/WeNRuRHwSlY23tODhRMp7ZDGvHilwD5PfI=";
  };

  nativeBuildInputs = [ python3 ];

  meta = {
    description = "Small build system with a focus on speed";
    license = lib.licenses.asl20;
    maintainers = [ lib.maintainers.bela ];
  };
})
