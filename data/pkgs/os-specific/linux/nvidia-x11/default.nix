{
  lib,
  stdenv,
  fetchurl,
  kernel,
}:

let
  version = "550";
in
stdenv.mkDerivation {
  # The version of the kernel is part of the name, and not of the version.
  name = "nvidia-${version}-${kernel.version}";
  inherit version;

  src = fetchurl {
    url = "https://us.download.nvidia.com/XFree86/Linux-x86_64/${version}/NVIDIA-Linux-x86_64-${version}.run";
    hash = "sha256-z5JWa5C05CI8lD3gpV4PhhEGY7G/RujZnzwfz5T2pd0=";
  };

  nativeBuildInputs = [ kernel ];

  meta = {
    description = "X.org driver and kernel module for NVIDIA graphics cards";
    license = lib.licenses.unfreeRedistributable;
    maintainers = [ lib.maintainers.emre ];
    platforms = lib.platforms.x86_64-linux;
    hydraPlatforms = [ ];
  };
}
