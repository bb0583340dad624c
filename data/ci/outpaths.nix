# The set as nixpkgs' CI lists it: a job per attribute and system.
#
#   nix-env -f data/ci/outpaths.nix -qaP --no-name --out-path
#
# gives lines such as "hello.x86_64-linux  /nix/store/…-hello-2.12.1". Each job is
# a new set, as nix-env leaves out a derivation which it has seen already: so
# aliases are in this list, though not in that of ../default.nix.
{
  system ? "x86_64-linux",
  config ? { },
}:

let
  pkgs = import ../default.nix { inherit system config; };
  inherit (pkgs) lib;

  job = drv: lib.recurseIntoAttrs { ${drv.system} = drv // { inherit (drv) meta; }; };

  jobOrJobs =
    value:
    if lib.isDerivation value then
      job value
    else if lib.isAttrs value && value.recurseForDerivations or false then
      jobs value
    else
      null;

  jobs =
    set:
    lib.recurseIntoAttrs (
      lib.filterAttrs (_: found: found != null) (
        lib.mapAttrs (
          _: value:
          let
            attempt = builtins.tryEval (jobOrJobs value);
          in
          if attempt.success then attempt.value else null
        ) (removeAttrs set [ "recurseForDerivations" ])
      )
    );
in
jobs pkgs
