# Tell a compiler where its C library and its linker are.
{
  lib,
  stdenv,
  name,
  cc,
  libc,
  bintools,
}:

stdenv.mkDerivation {
  inherit name;
  buildInputs = [
    (lib.getBin cc)
    bintools
    (lib.getLib libc)
    (lib.getDev libc)
  ];
  setupHook = ./setup-hook.sh;
  preferLocalBuild = true;

  passthru = {
    inherit cc libc bintools;
  };

  meta = {
    description = "C compiler, wrapped";
    license = lib.licenses.gpl3Plus;
    platforms = lib.platforms.linux;
  };
}
