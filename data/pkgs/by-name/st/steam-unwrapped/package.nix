{
  lib,
  stdenv,
  fetchurl,
  pkgsi686Linux,
  bash,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "steam-unwrapped";
  version = "1.0.0.81";

  src = fetchurl {
    url = "https://repo.steampowered.com/steam/archive/stable/steam_${finalAttrs.version}.tar.gz";
    hash = "sha256-c7tLamNHimi7Gt310AcjYW/C6aks3ww1TsDSbd7HURk=";
  };

  # A 32-bit program: its libraries are of another system.
  buildInputs = [
    bash.out
    pkgsi686Linux.expat.out
    pkgsi686Linux.ncurses.out
    pkgsi686Linux.zlib.out
  ];

  meta = {
    description = "Digital distribution platform";
    mainProgram = "steam";
    license = lib.licenses.unfreeRedistributable;
    maintainers = [ lib.maintainers.dita ];
    platforms = lib.platforms.x86_64-linux;
  };
})
