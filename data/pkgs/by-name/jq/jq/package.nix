{
  lib,
  stdenv,
  fetchurl,
  fetchpatch,
  bison,
  testers,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "jq";
  version = "1.7.1";

  src = fetchurl {
    url = "https://github.com/jqlang/jq/releases/download/jq-${finalAttrs.version}/jq-${finalAttrs.version}.tar.gz";
    hash = "sha256-TDbNPqAyJmmu9ZlXZvcOszoJHz0Yri2xl4lO5BZq434=";
  };

  outputs = [
    "bin"
    "doc"
    "man"
    "dev"
    "out"
  ];

  patches = [
    ./musl.patch
    (fetchpatch {
      name = "CVE-2025-00000.patch";
      url = "https://github.com/jqlang/jq/commit/0000000000000000000000000000000000000000.patch";
      hash = "sha256-hBt/Pw1t1jGJ5sJjqpFLxVzXefMfZOcpSnvHQlUUQns=";
    })
  ];

  nativeBuildInputs = [ bison ];

  passthru.tests.version = testers.testVersion { package = finalAttrs.finalPackage; };

  meta = {
    description = "Lightweight and flexible command-line JSON processor";
    mainProgram = "jq";
    license = lib.licenses.mit;
    maintainers = [ lib.maintainers.fay ];
  };
})
