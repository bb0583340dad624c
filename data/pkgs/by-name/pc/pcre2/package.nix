{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "pcre2";
  version = "10.44";

  src = fetchurl {
    url = "https://github.com/PCRE2Project/pcre2/releases/download/pcre2-${finalAttrs.version}/pcre2-${finalAttrs.version}.tar.bz2";
    hash = "sha256-C0E+PuHfa2qbYx9Kiz1bXE3SYT2sT8aG/jp/CPreDBs=";
  };

  outputs = [
    "bin"
    "dev"
    "out"
    "doc"
  ];

  meta = {
    description = "Perl Compatible Regular Expressions";
    license = lib.licenses.bsd3;
    maintainers = [ ];
  };
})
