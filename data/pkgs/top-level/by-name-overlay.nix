# Every ../by-name/xx/name/package.nix is the attribute `name`.
{ lib }:

final: prev:
let
  root = ../by-name;
  packagesIn =
    shard:
    map (name: {
      inherit name;
      value = final.callPackage (root + "/${shard}/${name}/package.nix") { };
    }) (lib.attrNames (lib.readDir (root + "/${shard}")));
in
lib.listToAttrs (lib.concatMap packagesIn (lib.attrNames (lib.readDir root)))
