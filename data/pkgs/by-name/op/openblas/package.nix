{
  lib,
  stdenv,
  fetchFromGitHub,
  perl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "openblas";
  version = "0.3.28";

  outputs = [
    "out"
    "dev"
  ];

  src = fetchFromGitHub {
    owner = "OpenMathLib";
    repo = "OpenBLAS";
    tag = "v${finalAttrs.version}";
    hash = "sha256-Q5uKY1tSw9jMMTP3FHk7YLz0ifCWE7GiA/Hv6LlhUYU=";
  };

  nativeBuildInputs = [ perl ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "Basic Linear Algebra Subprograms";
    license = lib.licenses.bsd3;
    maintainers = [ lib.maintainers.emre ];
    platforms = lib.platforms.x86_64-linux;
  };
})
