# The `passthru.tests` of every package that has some, as nested sets:
#
#   nix-env -f data/tests.nix -qaP        # openssl.tests.curl, nginx.tests, ...
#
# Tests are not part of a package's derivation, hence the second entry point.
{
  system ? "x86_64-linux",
  config ? { },
}:

let
  pkgs = import ./default.nix { inherit system config; };
  inherit (pkgs) lib;

  # The tests of one value: a set holding only `tests`, or null.
  testsOf =
    value:
    if lib.isDerivation value then
      if value ? tests then lib.recurseIntoAttrs { tests = recurse value.tests; } else null
    else if value.recurseForDerivations or false then
      testsIn value
    else
      null;

  # `tests` may be one derivation or a set of them.
  recurse = tests: if lib.isDerivation tests then tests else lib.recurseIntoAttrs tests;

  # Attributes that do not evaluate have no tests we could know of.
  tryTestsOf =
    value:
    let
      attempt = builtins.tryEval (if lib.isAttrs value then testsOf value else null);
    in
    if attempt.success then attempt.value else null;

  testsIn =
    set:
    let
      found = lib.filterAttrs (_: tests: tests != null) (
        lib.mapAttrs (_: tryTestsOf) (removeAttrs set [ "recurseForDerivations" ])
      );
    in
    if found == { } then null else lib.recurseIntoAttrs found;
in
# The tests of the 32-bit libraries are those of the others.
testsIn (removeAttrs pkgs [ "pkgsi686Linux" ])
