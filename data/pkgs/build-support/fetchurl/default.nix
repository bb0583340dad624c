# fetchurl: a fixed-output derivation with curl among its inputs.
#
# Its output depends on nothing but the hash. If curl changes, so does the path
# of this .drv file, but not the path of what it fetches: the packages which
# use the source are not rebuilt.
{
  lib,
  stdenvNoCC,
  curl,
}:

{
  url,
  hash,
  name ? baseNameOf url,
  # Hash the archive of what was fetched instead of a single file.
  recursiveHash ? false,
  nativeBuildInputs ? [ ],
}:

stdenvNoCC.mkDerivation {
  inherit name url;
  args = [
    "-e"
    ./builder.sh
  ];
  nativeBuildInputs = [ curl ] ++ nativeBuildInputs;
  outputHashMode = if recursiveHash then "recursive" else "flat";
  outputHashAlgo = "sha256";
  outputHash = hash;
  preferLocalBuild = true;
}
