{
  lib,
  stdenv,
  fetchurl,
  perl,
  # for passthru.tests
  curl,
  openssl,
  python3Packages,
  testers,
}@args:

import ./generic.nix args {
  version = "3.3.2";
  hash = "sha256-rBHvqbuVzOZ8TbxCpGhz215Eoj4/Bqh4fWP6Bw2QUk0=";
  patches = [
    ./3.0/nix-ssl-cert-file.patch
    ./use-etc-ssl-certs.patch
  ];
  license = lib.licenses.asl20;
  tests = {
    inherit curl;
    inherit (python3Packages) cryptography;
    version = testers.testVersion { package = openssl; };
    pkg-config = testers.testMetaPkgConfig openssl;
  };
}
