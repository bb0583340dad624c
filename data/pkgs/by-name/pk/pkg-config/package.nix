{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "pkg-config";
  version = "0.29.2";

  src = fetchurl {
    url = "https://pkgconfig.example.org/releases/pkg-config-${finalAttrs.version}.tar.gz";
    hash = "sha256-f+uXPH+tFa85XWW2oRwfzBJSunGrxgEWxOEyc2HxjPg=";
  };

  outputs = [
    "out"
    "man"
    "doc"
  ];

  setupHook = ./setup-hook.sh;

  meta = {
    description = "Tool that allows packages to find out information about other packages";
    license = lib.licenses.gpl2Only;
    maintainers = [ lib.maintainers.emre ];
  };
})
