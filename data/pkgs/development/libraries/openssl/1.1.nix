{
  lib,
  stdenv,
  fetchurl,
  perl,
}@args:

import ./generic.nix args {
  version = "1.1.1w";
  hash = "sha256-Cfhjl3R/wxOcedBjby+bqcn20szHri5U+GUW4XYL5UI=";
  patches = [
    ./1.1/nix-ssl-cert-file.patch
    ./use-etc-ssl-certs.patch
  ];
  license = lib.licenses.openssl;
  knownVulnerabilities = [
    "OpenSSL 1.1 is reaching its end of life on 2023/09/11 and cannot be supported past that date"
  ];
}
