{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "patchelf";
  version = "0.15.0";

  # Attributes reach the builder as JSON.
  __structuredAttrs = true;

  src = fetchurl {
    url = "https://github.com/NixOS/patchelf/releases/download/${finalAttrs.version}/patchelf-${finalAttrs.version}.tar.bz2";
    hash = "sha256-z53xL+NLQT6Alz/dVjNhChWKrR+UOUYsOydB80EVHY0=";
  };

  meta = {
    description = "Small utility to modify the dynamic linker and RPATH of ELF executables";
    license = lib.licenses.gpl3Plus;
    maintainers = [ lib.maintainers.chen ];
  };
})
