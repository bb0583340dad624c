{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "linux-headers";
  version = "6.10";

  src = fetchurl {
    url = "mirror://kernel/linux/kernel/v6.x/linux-${finalAttrs.version}.tar.xz";
    hash = "sha256-pp4yovddLM/1wK8lJDlTofTYy6/sW93Lkg2Uq7dbr8A=";
  };

  meta = {
    description = "Header files and scripts for Linux kernel";
    license = lib.licenses.gpl2Only;
    maintainers = [ lib.maintainers.emre ];
    platforms = lib.platforms.linux;
  };
})
