# The package set of one system.
{
  system,
  config ? { },
  lib ? import ../../lib,
  # i686 packages are fetched by the machine which builds them.
  buildFetchurl ? null,
}:

let
  packagesOf =
    { stdenv, overrides }:
    import ./stage.nix {
      inherit
        lib
        config
        system
        stdenv
        overrides
        buildFetchurl
        ;
    };
in
import ../stdenv/linux {
  inherit
    lib
    config
    system
    packagesOf
    ;
}
