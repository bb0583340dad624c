# All crates a program needs, as one fixed-output derivation. The version is in
# its name, cargo and the source are behind its hash.
{ fetchurl, cargo }:

{
  name,
  src,
  hash,
}:

fetchurl {
  name = "${name}-vendor";
  url = "https://crates.io/vendor/${name}";
  recursiveHash = true;
  nativeBuildInputs = [
    cargo
    src
  ];
  inherit hash;
}
