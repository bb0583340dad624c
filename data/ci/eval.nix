# Every attribute of the set, evaluated like nix-eval-jobs does it: one row per
# derivation, and one for each attribute that fails.
#
#   nix-instantiate --eval --strict --json --read-write-mode \
#     --argstr system x86_64-linux data/ci/eval.nix
#
# `--read-write-mode` writes the .drv files too. With `--eval` the function below
# is called only if there is some argument for it. Nix tells that an evaluation
# failed (see tryEval), but not why; that takes a second look at the attribute.
{
  system ? "x86_64-linux",
  config ? { },
  entry ? ../default.nix,
}:

let
  root = import entry { inherit system config; };

  isDerivation = value: value.type or null == "derivation";
  isSet = value: builtins.isAttrs value && value.recurseForDerivations or false;

  row = attrPath: drv: {
    inherit attrPath;
    inherit (drv) name system;
    drvPath = builtins.unsafeDiscardStringContext drv.drvPath;
    outputs = builtins.listToAttrs (
      map (output: {
        name = output;
        value = builtins.unsafeDiscardStringContext drv.${output}.outPath;
      }) drv.outputs
    );
    meta = drv.meta or { };
  };

  visit =
    attrPath: value:
    let
      kind = builtins.tryEval (
        if isDerivation value then
          "derivation"
        else if isSet value then
          "set"
        else
          "other"
      );
      found = row attrPath value;
      attempt = builtins.tryEval (builtins.deepSeq found found);
      failed = {
        inherit attrPath;
        error = true;
      };
    in
    if !kind.success then
      [ failed ]
    else if kind.value == "set" then
      visitAll attrPath value
    else if kind.value == "derivation" then
      [ (if attempt.success then attempt.value else failed) ]
    else
      [ ];

  visitAll =
    attrPath: set:
    builtins.concatMap (name: visit (attrPath ++ [ name ]) set.${name}) (builtins.attrNames set);
in
visitAll [ ] root
