{ callPackage }:

{
  simple-vm = callPackage ./simple-vm.nix { };
  nginx = callPackage ./nginx.nix { };
  git-http = callPackage ./git-http.nix { };
}
