# `nix-build` builds waves with the nixpkgs of NIX_PATH, `nix-env -if .` installs it. It needs a Rust of `rust-version` in
# Cargo.toml, or later.
{
  pkgs ? import <nixpkgs> { },
}:
pkgs.callPackage ./package.nix { }
