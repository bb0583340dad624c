# Make a standard environment: a derivation which also carries `mkDerivation`.
{
  lib,
  config,
  system,
}:

{
  name ? "stdenv-linux",
  initialPath,
  fetchurlBoot,
  cc ? null,
}:

let
  drv = derivation (
    {
      inherit name system initialPath;
      builder = "/bin/sh";
      args = [
        "-e"
        ./default-builder.sh
      ];
      outputs = [ "out" ];
      setup = ./setup.sh;
    }
    // lib.optionalAttrs (cc != null) { defaultNativeBuildInputs = [ cc ]; }
  );

  meta = {
    inherit name;
    description = "Default build environment for Unix packages";
    license = lib.licenses.mit;
    maintainers = [ lib.maintainers.ada ];
    platforms = lib.platforms.linux;
    outputsToInstall = [ "out" ];
    available = true;
    broken = false;
    insecure = false;
    unfree = false;
    unsupported = false;
    position =
      let
        pos = builtins.unsafeGetAttrPos "description" meta;
      in
      "${pos.file}:${toString pos.line}";
  };

  stdenv = drv // {
    inherit
      cc
      initialPath
      fetchurlBoot
      meta
      ;
    hostPlatform = {
      inherit system;
    };
    mkDerivation = import ./make-derivation.nix {
      inherit
        lib
        config
        system
        stdenv
        ;
    };
  };
in
stdenv
