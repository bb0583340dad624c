{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "ncurses";
  version = "6.4.20221231";

  outputs = [
    "out"
    "dev"
    "man"
  ];

  src = fetchurl {
    url = "https://invisible-mirror.example.org/archives/ncurses/current/ncurses-${finalAttrs.version}.tgz";
    hash = "sha256-MH4wCzDA9yvvXJaHkhSWGq+xYsGb6QPIg4/FAeqn8+s=";
  };

  meta = {
    description = "Free software emulation of curses in SVR4 and more";
    license = lib.licenses.mit;
    maintainers = [ lib.maintainers.emre ];
  };
})
