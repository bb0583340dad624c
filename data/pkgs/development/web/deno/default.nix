# Deno and the crates it consists of: one repository, one version, one source.
{
  lib,
  newScope,
  fetchFromGitHub,
}:

lib.makeScope newScope (self: {
  denoVersion = "2.0.6";
  denoSrc = fetchFromGitHub {
    owner = "denoland";
    repo = "deno";
    tag = "v${self.denoVersion}";
    hash = "sha256-8wjw95FGamtawcdMUOBRBuZ9SywDST1WmLLVaWOSh1M=";
  };
  denoCrate = self.callPackage ./crate.nix { };

  deno_core = self.callPackage ({ denoCrate, rusty-v8 }: denoCrate "deno_core" [ rusty-v8 ]) { };
  deno_net = self.callPackage ({ denoCrate, deno_core }: denoCrate "deno_net" [ deno_core ]) { };
  deno_runtime = self.callPackage (
    {
      denoCrate,
      deno_core,
      deno_net,
    }:
    denoCrate "deno_runtime" [
      deno_core
      deno_net
    ]
  ) { };
  rusty-v8 = self.callPackage ./rusty-v8.nix { };
  deno = self.callPackage ./deno.nix { };
})
