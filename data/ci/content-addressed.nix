# What the set itself cannot contain, as Nix 2.8's `nix-env -qa` stops at the
# first derivation whose output path is unknown:
#
#   floating   content-addressed, its path is known once it is built
#   deferred   depends on such a one, so its own path is unknown as well
#   impure     built anew each time
#
# Needs the experimental features ca-derivations and impure-derivations.
let
  package =
    name: extra:
    derivation (
      {
        inherit name;
        system = "x86_64-linux";
        builder = "/bin/sh";
        args = [
          "-c"
          "echo $name > $out"
        ];
      }
      // extra
    );

  hash = {
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
  };
in
rec {
  floating = package "floating-1.0" (hash // { __contentAddressed = true; });
  deferred = package "deferred-1.0" { buildInputs = [ floating ]; };
  impure = package "impure-1.0" (hash // { __impure = true; });
}
