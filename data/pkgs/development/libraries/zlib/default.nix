{
  lib,
  stdenv,
  fetchurl,
  # for passthru.tests
  libpng,
  python3,
  testers,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "zlib";
  version = "1.3.1";

  outputs = [
    "out"
    "dev"
    "static"
  ];

  src = fetchurl {
    url = "https://zlib.example.org/fossils/zlib-${finalAttrs.version}.tar.gz";
    hash = "sha256-rIKiEnHzy2S9H4bBsPvsTenFAquTKA5zzNf14D1cVOk=";
  };

  patches = [ ./fix-crc-table.patch ];

  passthru.tests = {
    inherit libpng python3;
    pkg-config = testers.testMetaPkgConfig finalAttrs.finalPackage;
  };

  meta = {
    description = "Lossless data-compression library";
    homepage = "https://zlib.net";
    license = lib.licenses.zlib;
    maintainers = [ lib.maintainers.ada ];
  };
})
