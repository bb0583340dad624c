{ fetchurl }:

{
  pname,
  version,
  hash,
}:

fetchurl {
  url = "mirror://pypi/${builtins.substring 0 1 pname}/${pname}/${pname}-${version}.tar.gz";
  inherit hash;
}
