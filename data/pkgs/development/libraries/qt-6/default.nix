{
  lib,
  newScope,
  fetchurl,
}:

lib.makeScope newScope (self: {
  qtModule = self.callPackage ./qtModule.nix { srcs = import ./srcs.nix { inherit fetchurl; }; };

  qtbase = self.callPackage ./modules/qtbase.nix { };
  qtdeclarative = self.callPackage ./modules/qtdeclarative.nix { };
  qtsvg = self.callPackage ./modules/qtsvg.nix { };
  qtwebengine = self.callPackage ./modules/qtwebengine.nix { };
})
