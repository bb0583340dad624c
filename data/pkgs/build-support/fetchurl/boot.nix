# fetchurl for the bootstrap: no inputs at all, while Nixpkgs uses the
# downloader built into Nix here. Fetching always happens on the machine which
# builds, hence the fixed system.
{ }:

{
  url,
  hash,
  name ? baseNameOf url,
  # An executable file is hashed with its archive, which keeps the mode.
  recursiveHash ? false,
}:

derivation {
  inherit name url;
  system = "x86_64-linux";
  builder = "/bin/sh";
  args = [
    "-e"
    ./builder.sh
  ];
  outputHashMode = if recursiveHash then "recursive" else "flat";
  outputHashAlgo = "sha256";
  outputHash = hash;
  preferLocalBuild = true;
}
