{ lib }:

{
  isDerivation = value: value.type or null == "derivation";

  # Tell `nix-env -qa` and friends to look inside a set.
  recurseIntoAttrs = attrs: attrs // { recurseForDerivations = true; };
  dontRecurseIntoAttrs = attrs: attrs // { recurseForDerivations = false; };

  filterAttrs =
    keep: attrs:
    removeAttrs attrs (lib.filter (name: !keep name attrs.${name}) (lib.attrNames attrs));

  optionalAttrs = cond: attrs: if cond then attrs else { };
  optional = cond: value: if cond then [ value ] else [ ];
  optionals = cond: values: if cond then values else [ ];

  genAttrs = names: f: lib.listToAttrs (map (name: { inherit name; value = f name; }) names);

  # The named output of a package, unless an output was chosen already.
  getOutput =
    output: pkg:
    if pkg.outputSpecified or false then pkg else pkg.${output} or pkg.out or pkg;
  getBin = lib.getOutput "bin";
  getDev = lib.getOutput "dev";
  getLib = lib.getOutput "lib";
}
