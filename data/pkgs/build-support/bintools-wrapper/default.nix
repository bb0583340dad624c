# Tell a linker where the C library is.
{
  lib,
  stdenv,
  name,
  bintools,
  libc,
}:

stdenv.mkDerivation {
  inherit name;
  buildInputs = [
    (lib.getBin bintools)
    (lib.getLib libc)
  ];
  preferLocalBuild = true;

  passthru = {
    inherit bintools libc;
  };

  meta = {
    description = "Linker and assembler, wrapped";
    license = lib.licenses.gpl3Plus;
    platforms = lib.platforms.linux;
  };
}
