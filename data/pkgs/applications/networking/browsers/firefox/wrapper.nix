{
  lib,
  stdenv,
  ffmpeg,
  firefox-unwrapped,
}:

stdenv.mkDerivation {
  pname = "firefox";
  inherit (firefox-unwrapped) version;

  buildInputs = [
    ffmpeg.lib
    firefox-unwrapped
  ];

  preferLocalBuild = true;
  allowSubstitutes = false;

  meta = {
    inherit (firefox-unwrapped.meta) description license maintainers;
    mainProgram = "firefox";
    # Cheap to build, and large to download.
    hydraPlatforms = [ ];
  };
}
