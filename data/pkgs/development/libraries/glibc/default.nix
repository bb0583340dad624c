{
  lib,
  stdenv,
  fetchurl,
  bison,
  perl,
  linuxHeaders,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "glibc";
  version = "2.40";

  outputs = [
    "out"
    "bin"
    "dev"
    "static"
  ];

  src = fetchurl {
    url = "mirror://gnu/glibc/glibc-${finalAttrs.version}.tar.xz";
    hash = "sha256-gYEyU7s3jZma4hU8ZuwwJPkCiOC6RHOtzJqj37aISgw=";
  };

  patches = [
    ./2.40-master.patch
    ./nix-locale-archive.patch
  ];

  nativeBuildInputs = [
    bison
    perl
  ];

  propagatedBuildInputs = [ linuxHeaders ];

  meta = {
    description = "GNU C Library";
    homepage = "https://www.gnu.org/software/libc/";
    license = lib.licenses.lgpl21Plus;
    maintainers = with lib.maintainers; [
      ada
      bela
    ];
    platforms = lib.platforms.linux;
  };
})
