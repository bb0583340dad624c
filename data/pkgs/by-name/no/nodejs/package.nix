{
  lib,
  stdenv,
  fetchurl,
  nghttp2,
  openssl,
  python3,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "nodejs";
  version = "22.11.0";

  # So the features below stay a list.
  __structuredAttrs = true;

  outputs = [
    "out"
    "libv8"
  ];

  src = fetchurl {
    url = "https://nodejs.org/dist/v${finalAttrs.version}/node-v${finalAttrs.version}.tar.xz";
    hash = "sha256-7xgcqB3PDJf8eEdV07scBR3BC8p/C7CD0lccL1YXxvw=";
  };

  patches = [ ./bypass-xcodebuild.patch ];

  nativeBuildInputs = [ python3 ];
  buildInputs = [
    nghttp2
    openssl
    zlib
  ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "Event-driven I/O framework for the V8 JavaScript engine";
    mainProgram = "node";
    license = lib.licenses.mit;
    maintainers = [ lib.maintainers.chen ];
  };
})
