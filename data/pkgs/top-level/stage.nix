# One stage: all packages on top of one standard environment.
{
  lib,
  config,
  system,
  stdenv,
  overrides,
  buildFetchurl,
}:

let
  base = self: {
    inherit lib config stdenv;
    pkgs = self;
    callPackage = lib.callPackageWith self;
    # For sets within this one, where the names of both are in scope.
    newScope = scope: lib.callPackageWith (self // scope);

    # The same packages for another system.
    forceSystem =
      other:
      import ./. {
        system = other;
        inherit config lib;
        buildFetchurl = self.fetchurl;
      };
  };

  fetchers =
    final: _:
    lib.optionalAttrs (buildFetchurl != null) {
      fetchurl = buildFetchurl;
    };
in
lib.fix (
  lib.composeAll [
    (import ./by-name-overlay.nix { inherit lib; })
    (import ./all-packages.nix)
    (import ./aliases.nix { inherit lib config; })
    fetchers
    overrides
  ] base
)
