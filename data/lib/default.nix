# The few library functions this package set needs.
let
  lib =
    builtins
    // import ./attrsets.nix { inherit lib; }
    // import ./customisation.nix { inherit lib; }
    // import ./fixed-points.nix
    // import ./meta.nix { inherit lib; }
    // import ./strings.nix
    // {
      licenses = import ./licenses.nix;
      platforms = import ./platforms.nix;
      maintainers = import ../maintainers/maintainer-list.nix;
      teams = import ../maintainers/team-list.nix { inherit lib; };
    };
in
lib
