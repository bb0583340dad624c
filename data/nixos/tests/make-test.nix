# A virtual machine test: needs KVM, and a kernel besides what it tests.
{
  lib,
  stdenv,
  linuxPackages,
  coreutils,
}:

{
  name,
  packages ? [ ],
}:

stdenv.mkDerivation {
  name = "vm-test-run-${name}";
  buildInputs = [
    linuxPackages.kernel.out
    coreutils
  ]
  ++ packages;
  requiredSystemFeatures = [
    "kvm"
    "nixos-test"
  ];
  meta = {
    description = "Virtual machine test ${name}";
    maintainers = [ lib.maintainers.ada ];
    platforms = lib.platforms.x86_64-linux;
  };
}
