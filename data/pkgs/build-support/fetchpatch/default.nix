# A patch from the network, normalised (in Nixpkgs) by patchutils.
{ fetchurl }:

{
  name,
  url,
  hash,
}:

fetchurl {
  inherit name url hash;
}
