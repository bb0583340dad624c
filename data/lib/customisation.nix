{ lib }:

rec {
  # Give the result of `f args` an `override` that calls `f` again.
  makeOverridable =
    f: origArgs:
    let
      result = f origArgs;
      newArgs = change: origArgs // (if lib.isFunction change then change origArgs else change);
    in
    if !lib.isAttrs result then
      result
    else
      result
      // {
        override = change: makeOverridable f (newArgs change);
      }
      // lib.optionalAttrs (result ? overrideAttrs) {
        overrideAttrs = change: makeOverridable (args: (f args).overrideAttrs change) origArgs;
      };

  # Call a function with the arguments it names, taken from `scope`.
  callPackageWith =
    scope: fileOrFunction: args:
    let
      f = if lib.isFunction fileOrFunction then fileOrFunction else import fileOrFunction;
    in
    makeOverridable f (lib.intersectAttrs (lib.functionArgs f) scope // args);

  # A set of packages that see each other, such as qt6 or a Python set.
  makeScope =
    newScope: f:
    let
      self = f self // {
        callPackage = newScope self;
      };
    in
    self;
}
