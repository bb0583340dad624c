# All of OpenSSL; what differs between the branches is the second argument.
{
  lib,
  stdenv,
  fetchurl,
  perl,
  ...
}:

{
  version,
  hash,
  patches,
  license,
  tests ? { },
  knownVulnerabilities ? [ ],
}:

stdenv.mkDerivation {
  pname = "openssl";
  inherit version patches;

  outputs = [
    "bin"
    "dev"
    "out"
    "man"
    "doc"
  ];

  src = fetchurl {
    url = "https://www.openssl.example.org/source/openssl-${version}.tar.gz";
    inherit hash;
  };

  nativeBuildInputs = [ perl ];

  passthru = {
    inherit tests;
  };

  meta = {
    description = "Cryptographic library that implements the SSL and TLS protocols";
    homepage = "https://www.openssl.org/";
    mainProgram = "openssl";
    inherit license;
    maintainers = with lib.maintainers; [
      chen
      fay
    ];
  }
  // lib.optionalAttrs (knownVulnerabilities != [ ]) { inherit knownVulnerabilities; };
}
