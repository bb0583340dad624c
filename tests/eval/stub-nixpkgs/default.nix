# What of nixpkgs the packaging of waves needs, and no more, so that Nix evaluates it without a network. Derivations are made of the
# arguments that they get, as nixpkgs does: what is no string, list or set of those does not evaluate.
{
  system ? "x86_64-linux",
}:
let
  lib = import ./lib.nix;
  # Who needs what it was not given fails, as it does in nixpkgs.
  call = function: builtins.intersectAttrs (builtins.functionArgs function) pkgs;
  derived =
    arguments:
    derivation (
      removeAttrs arguments [
        "meta"
        "passthru"
        "cargoLock"
      ]
      // {
        name = arguments.name or "${arguments.pname}-${arguments.version}";
        builder = "/bin/sh";
        inherit system;
      }
    );
  tool = pname: derived { inherit pname; version = "1"; };
  platform = {
    inherit system;
    canExecute = other: other.system == system;
  };
  pkgs = {
    inherit lib system;
    callPackage =
      file: overrides:
      let
        function = import file;
      in
      function (call function // overrides);
    stdenv = {
      buildPlatform = platform;
      hostPlatform = platform;
    };
    rustPlatform.buildRustPackage =
      arguments:
      # `cargoLock.lockFile` is read by nixpkgs, which fetches every package that it names by its checksum.
      let
        lock = builtins.fromTOML (builtins.readFile arguments.cargoLock.lockFile);
        elsewhere = builtins.filter (package: package ? source && !(package ? checksum)) lock.package;
      in
      assert elsewhere == [ ];
      derived arguments
      // {
        inherit (arguments) meta pname version src;
        vendored = builtins.length (builtins.filter (package: package ? checksum) lock.package);
      };
    mkShell = arguments: derived ({ name = "shell"; } // arguments);
    clippy = tool "clippy";
    installShellFiles = tool "install-shell-files";
    jq = tool "jq";
    rustfmt = tool "rustfmt";
    shellcheck = tool "shellcheck";
    zstd = tool "zstd";
  };
in
pkgs
