{
  lib,
  rustPlatform,
  fetchFromGitHub,
}:

rustPlatform.buildRustPackage rec {
  pname = "fd";
  version = "10.2.0";

  src = fetchFromGitHub {
    owner = "sharkdp";
    repo = "fd";
    tag = "v${version}";
    hash = "sha256-ensJWONEztJFtWd1PiO5cRXjiKIbed/08MF1nMqWOjk=";
  };

  cargoHash = "sha256-i0P134yX6qbNQeYFcoyqZH8Cg2WMZm6/73odKLLTwXM=";

  meta = {
    description = "Simple, fast and user-friendly alternative to find";
    mainProgram = "fd";
    license = lib.licenses.mit;
    maintainers = [ lib.maintainers.dita ];
  };
}
