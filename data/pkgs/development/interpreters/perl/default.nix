{
  lib,
  stdenv,
  fetchurl,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "perl";
  version = "5.40.0";

  outputs = [
    "out"
    "man"
  ];

  src = fetchurl {
    url = "mirror://cpan/src/5.0/perl-${finalAttrs.version}.tar.gz";
    hash = "sha256-8/cEDLHgMtXyC0XgeUrDhAR1hSnN1rtu8eHlbPkCZgA=";
  };

  patches = [ ./no-sys-dirs.patch ];

  buildInputs = [ zlib ];

  meta = {
    description = "Standard implementation of the Perl 5 programming language";
    mainProgram = "perl";
    license = lib.licenses.gpl3Plus;
    maintainers = [ lib.maintainers.bela ];
  };
})
