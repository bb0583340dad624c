# Entry point: a miniature Nixpkgs.
#
#   nix-build data -A hello
#   nix-instantiate data --arg config '{ allowBroken = false; }' -A ceph
#
# Nothing here depends on the machine that evaluates it: `system` has a fixed
# default, there is no `currentSystem`, and no derivation mentions the checkout.
{
  system ? "x86_64-linux",
  config ? { },
}:

import ./pkgs/top-level { inherit system config; }
