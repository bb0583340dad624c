{
  lib,
  stdenv,
  cmake,
  ninja,
  perl,
  srcs,
}:

{ pname, ... }@args:

stdenv.mkDerivation (
  args
  // {
    inherit (srcs.${pname}) version src;
    outputs = [
      "out"
      "dev"
    ];
    nativeBuildInputs = [
      cmake
      ninja
      perl
    ]
    ++ args.nativeBuildInputs or [ ];
    meta = {
      description = "Cross-platform application framework for C++";
      homepage = "https://www.qt.io/";
      license = lib.licenses.lgpl3Plus;
      teams = [ lib.teams.qt ];
    }
    // args.meta or { };
  }
)
