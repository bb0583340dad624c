{
  lib,
  stdenv,
  fetchFromGitHub,
  kernel,
  openssl,
  zlib,
}:

let
  version = "2.2.6";
in
stdenv.mkDerivation {
  name = "zfs-kernel-${version}-${kernel.version}";
  pname = "zfs-kernel";
  inherit version;

  src = fetchFromGitHub {
    owner = "openzfs";
    repo = "zfs";
    tag = "zfs-${version}";
    hash = "sha256-ofcbenAYVdaPUTXqd1oWomUDLLhdL5yyICqKCOwpeLQ=";
  };

  nativeBuildInputs = [ kernel ];
  buildInputs = [
    openssl
    zlib
  ];

  meta = {
    description = "ZFS Filesystem Linux Kernel module";
    license = lib.licenses.mpl20;
    maintainers = [ lib.maintainers.emre ];
    platforms = lib.platforms.x86_64-linux;
  };
}
