{
  lib,
  rustPlatform,
  denoSrc,
  denoVersion,
}:

pname: buildInputs:

rustPlatform.buildRustPackage {
  inherit pname buildInputs;
  version = denoVersion;
  src = denoSrc;
  cargoHash =
    {
      deno_core = "sha256-2fPXg+MEI6OYaK7UDn47Oa3euTI+UnIZLfp7KzoP09k=";
      deno_net = "sha256-rX1PtUZH9F9Ud4f0nfLqvmEwVhOXjkGOAqy9tE/APpQ=";
      deno_runtime = "sha256-8m9tc6LrVFIrCynT7Set424VlrHDfKA6OBmlyoOPUBg=";
    }
    .${pname};

  meta = {
    description = "Part of Deno";
    license = lib.licenses.mit;
    teams = [ lib.teams.rust ];
  };
}
