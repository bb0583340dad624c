# Other names for packages, and kind words about those which are gone.
{ lib, config }:

final: prev:
lib.optionalAttrs (config.allowAliases or true) {
  openssl_3 = final.openssl;
  pkgconfig = final.pkg-config;
  python2 = throw "'python2' has been removed, as it has reached its end of life; use 'python3'";
  rg = final.ripgrep;
}
