{
  lib,
  rustPlatform,
  denoSrc,
  denoVersion,
  deno_runtime,
  sqlite,
}:

rustPlatform.buildRustPackage {
  pname = "deno";
  version = denoVersion;
  src = denoSrc;
  cargoHash = "sha256-3ovV4ZDnJFy0ZNFborfQFukgjhMRW4uUAjO6YTPDxeE=";

  buildInputs = [
    deno_runtime
    sqlite
  ];

  meta = {
    description = "Secure runtime for JavaScript and TypeScript";
    mainProgram = "deno";
    license = lib.licenses.mit;
    teams = [ lib.teams.rust ];
  };
}
