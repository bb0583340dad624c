{
  lib,
  stdenv,
  fetchurl,
  nghttp2,
  openssl,
  perl,
  pkg-config,
  zlib,
  http2Support ? false,
  # for passthru.tests
  gitMinimal,
  nixosTests,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "curl";
  version = "8.11.0";

  outputs = [
    "bin"
    "dev"
    "out"
    "man"
  ];

  src = fetchurl {
    url = "https://curl.se/download/curl-${finalAttrs.version}.tar.xz";
    hash = "sha256-y3MS/HcO1Zxb8dJGYY92IolueB354ylIwIO/xDqkt5g=";
  };

  nativeBuildInputs = [
    perl
    pkg-config
  ];

  propagatedBuildInputs = lib.optional http2Support nghttp2 ++ [
    openssl
    zlib
  ];

  passthru.tests = {
    git = gitMinimal;
    nginx-http = nixosTests.nginx;
  };

  meta = {
    description = "Command line tool for transferring files with URL syntax";
    homepage = "https://curl.se/";
    mainProgram = "curl";
    license = lib.licenses.curl;
    maintainers = [ lib.maintainers.dita ];
  };
})
