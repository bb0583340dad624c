{
  lib,
  stdenv,
  fetchurl,
  openssl,
  pcre2,
  zlib,
  # for passthru.tests
  nixosTests,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "nginx";
  version = "1.26.2";

  outputs = [
    "out"
    "doc"
  ];

  src = fetchurl {
    url = "https://nginx.org/download/nginx-${finalAttrs.version}.tar.gz";
    hash = "sha256-uJ825+1uo3e4ffGHK5u2a1ZyP9aZ3eVeJOT82GMnkXI=";
  };

  patches = [ ./nix-etag-1.15.4.patch ];

  buildInputs = [
    openssl
    pcre2
    zlib
  ];

  # A test as such, not a set of them.
  passthru.tests = nixosTests.nginx;

  meta = {
    description = "Reverse proxy and lightweight webserver";
    mainProgram = "nginx";
    license = lib.licenses.bsd3;
    maintainers = with lib.maintainers; [
      ada
      emre
    ];
  };
})
