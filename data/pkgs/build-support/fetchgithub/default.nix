# A tree from GitHub. Named "source", whatever it is.
{ fetchurl }:

{
  owner,
  repo,
  tag,
  hash,
}:

fetchurl {
  name = "source";
  url = "https://github.com/${owner}/${repo}/archive/refs/tags/${tag}.tar.gz";
  recursiveHash = true;
  inherit hash;
}
