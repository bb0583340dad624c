rec {
  fix =
    f:
    let
      x = f x;
    in
    x;

  # Put an overlay (final: prev: { ... }) on top of a recursive set.
  extends =
    overlay: f: final:
    let
      prev = f final;
    in
    prev // overlay final prev;

  composeAll = overlays: f: builtins.foldl' (acc: overlay: extends overlay acc) f overlays;
}
