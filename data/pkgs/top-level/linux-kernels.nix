# A kernel and the modules built for it, which carry its version in their names.
{ callPackage, kernel }:

{
  inherit kernel;
  nvidia = callPackage ../os-specific/linux/nvidia-x11 { inherit kernel; };
  zfs = callPackage ../os-specific/linux/zfs { inherit kernel; };
}
