{
  lib,
  rustPlatform,
  fetchFromGitHub,
  pcre2,
}:

rustPlatform.buildRustPackage rec {
  pname = "ripgrep";
  version = "14.1.1";

  src = fetchFromGitHub {
    owner = "BurntSushi";
    repo = "ripgrep";
    tag = "${version}";
    hash = "sha256-6NXNlhCe7H93jDncoSoELZrfZWBpns/cH4WZBdoO13w=";
  };

  cargoHash = "sha256-1O1bNCXOUWAuqasWFI7UXOIDm7Uh9aPsmiMYWyC8bww=";

  buildInputs = [ pcre2 ];

  meta = {
    description = "Utility that combines the usability of The Silver Searcher with the raw speed of grep";
    mainProgram = "rg";
    license = lib.licenses.mit;
    maintainers = [ lib.maintainers.dita ];
  };
}
