{
  lib,
  stdenv,
  fetchurl,
  cmake,
  curl,
  openssl,
  python311Packages,
  sqlite,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "ceph";
  version = "19.2.0";

  outputs = [
    "out"
    "lib"
    "dev"
    "doc"
    "man"
  ];

  src = fetchurl {
    url = "https://download.ceph.com/tarballs/ceph-${finalAttrs.version}.tar.gz";
    hash = "sha256-pvr44It9CRm3hAnZ/YTcP14Qfel62+CrNJjA4A56dms=";
  };

  nativeBuildInputs = [
    cmake
    python311Packages.cython
  ];
  buildInputs = [
    curl
    openssl
    python311Packages.cryptography
    sqlite
  ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "Distributed storage system";
    license = lib.licenses.lgpl21Plus;
    maintainers = [ ];
    platforms = lib.platforms.x86_64-linux;
    # Does not build with cython 3.
    broken = true;
  };
})
