{
  lib,
  stdenv,
  fetchurl,
  ncurses,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "readline";
  version = "8.2p13";

  outputs = [
    "out"
    "dev"
    "doc"
  ];

  src = fetchurl {
    url = "mirror://gnu/readline/readline-${finalAttrs.version}.tar.gz";
    hash = "sha256-MC/kOvoBMSPVYWixLp7ePjKMU1Ze3Kx31So7oru2pSM=";
  };

  patches = [ ./link-against-ncurses.patch ];

  propagatedBuildInputs = [ ncurses ];

  meta = {
    description = "Library for interactive line editing";
    license = lib.licenses.gpl3Plus;
    maintainers = [ lib.maintainers.emre ];
  };
})
