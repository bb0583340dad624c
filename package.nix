# `waves` as a package of nixpkgs: `pkgs.callPackage ./package.nix { }`.
{
  lib,
  stdenv,
  rustPlatform,
  installShellFiles,
}:

let
  manifest = (builtins.fromTOML (builtins.readFile ./Cargo.toml)).workspace.package;

  # What cargo reads, tests included, and nothing else of this directory: a word in the README, or a target/ of gigabytes, is no
  # reason to build again.
  kept = [
    "Cargo.lock"
    "Cargo.toml"
    "LICENSE-APACHE"
    "LICENSE-MIT"
    "benches"
    "crates"
    "data"
    "docs"
    "fuzz"
    "schema"
    "tests"
  ];
  top = toString ./. + "/";
in
rustPlatform.buildRustPackage {
  pname = "waves";
  inherit (manifest) version;

  src = builtins.path {
    name = "waves-source";
    path = ./.;
    filter =
      path: _type:
      let
        parts = builtins.filter builtins.isString (builtins.split "/" (lib.removePrefix top path));
      in
      builtins.elem (builtins.head parts) kept && !builtins.elem "target" parts && !builtins.elem "__pycache__" parts;
  };

  cargoLock.lockFile = ./Cargo.lock;
  cargoBuildFlags = [
    "--package"
    "waves"
  ];

  # The tests want Nix with a store of its own, git, a shell and servers of their own: `.ci/run` runs them. Here the binary is
  # asked who it is.
  doCheck = false;
  doInstallCheck = stdenv.buildPlatform.canExecute stdenv.hostPlatform;
  installCheckPhase = ''
    runHook preInstallCheck
    [ "$($out/bin/waves --version)" = "waves ${manifest.version}" ]
    $out/bin/waves plan --root glibc --graph data/dumps/derivations.json --graph data/dumps/eval-jobs.jsonl >/dev/null
    runHook postInstallCheck
  '';

  nativeBuildInputs = [ installShellFiles ];

  # A binary for another machine cannot say what its options are.
  postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    mkdir man
    $out/bin/waves man --all man
    installManPage man/*.1
    for shell in bash fish zsh; do
      $out/bin/waves completions $shell >waves.$shell
    done
    installShellCompletion waves.{bash,fish,zsh}
  '';

  meta = {
    inherit (manifest) description;
    license = [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    mainProgram = "waves";
    platforms = lib.platforms.linux ++ lib.platforms.darwin;
  };
}
