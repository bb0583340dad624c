{
  description = "Reverse-dependency impact and wave planning for Nix package sets";

  # Without a flake.lock: any nixpkgs with a Rust of `rust-version` in Cargo.toml will do, and a lock that nobody moves would keep an
  # old one. Whoever wants one pins it where this flake is an input: `inputs.waves.inputs.nixpkgs.follows = "nixpkgs"`.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      # A nixpkgs that has dropped one of them still serves the others: attributes are looked at only when they are asked for.
      each = make: nixpkgs.lib.genAttrs systems (system: make system nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (_: pkgs: rec {
        waves = pkgs.callPackage ./package.nix { };
        default = waves;
      });

      apps = each (system: _: rec {
        waves = {
          type = "app";
          program = "${self.packages.${system}.waves}/bin/waves";
        };
        default = waves;
      });

      # To build, test and lint with. `.ci/run` needs more, which it installs on Debian and Ubuntu only.
      devShells = each (system: pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${system}.waves ];
          packages = [
            pkgs.clippy
            pkgs.jq
            pkgs.rustfmt
            pkgs.shellcheck
            pkgs.zstd
          ];
        };
      });

      checks = each (system: _: {
        inherit (self.packages.${system}) waves;
      });

      # With the names that `nix flake check` wants, used or not.
      overlays.default = final: prev: {
        waves = final.callPackage ./package.nix { };
      };
    };
}
