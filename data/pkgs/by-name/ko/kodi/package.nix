{
  lib,
  stdenv,
  fetchurl,
  ffmpeg,
  sqlite,
  x11Support ? true,
  waylandSupport ? true,
}:

# Only one of them, which the defaults got wrong.
assert x11Support -> !waylandSupport;

stdenv.mkDerivation (finalAttrs: {
  pname = "kodi";
  version = "21.1";

  src = fetchurl {
    url = "https://github.com/xbmc/xbmc/archive/${finalAttrs.version}-Omega.tar.gz";
    hash = "sha256-rV3IdfujaVQYYHhpUJRwVyVUmdV41b97er+uPohgy/I=";
  };

  buildInputs = [
    ffmpeg
    sqlite
  ];

  meta = {
    description = "Media center";
    license = lib.licenses.gpl2Only;
    maintainers = [ lib.maintainers.chen ];
  };
})
