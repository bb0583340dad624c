{
  lib,
  stdenv,
  fetchurl,
  bison,
  openssl,
  perl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "linux";
  version = "6.6.63";

  outputs = [
    "out"
    "dev"
  ];

  src = fetchurl {
    url = "mirror://kernel/linux/kernel/v6.x/linux-${finalAttrs.version}.tar.xz";
    hash = "sha256-TQcPm7WfVzERf7CkXNWt3MNrj2hAVfH62yV0RbELIys=";
  };

  patches = [ ./bridge-stp-helper.patch ];

  nativeBuildInputs = [
    bison
    perl
  ];
  buildInputs = [ openssl ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "Linux kernel";
    license = lib.licenses.gpl2Only;
    maintainers = [ lib.maintainers.emre ];
    platforms = lib.platforms.x86_64-linux;
  };
})
