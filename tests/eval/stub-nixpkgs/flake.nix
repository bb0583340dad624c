{
  outputs = _: rec {
    lib = import ./lib.nix;
    legacyPackages = lib.genAttrs (lib.platforms.linux ++ lib.platforms.darwin) (system: import ./. { inherit system; });
  };
}
