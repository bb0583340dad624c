{
  lib,
  stdenv,
  fetchurl,
  cargo,
  ffmpeg,
  libffi,
  llvmPackages,
  nodejs,
  python3,
  rustc,
  sqlite,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "firefox-unwrapped";
  version = "132.0.2";

  src = fetchurl {
    url = "mirror://mozilla/firefox/releases/${finalAttrs.version}/source/firefox-${finalAttrs.version}.source.tar.xz";
    hash = "sha256-cqSeIKWGvff1qqVWgCK3qJitjSMq2nIM4PM7y7qjcYQ=";
  };

  nativeBuildInputs = [
    cargo
    llvmPackages.clang.out
    nodejs
    python3
    rustc
  ];
  buildInputs = [
    ffmpeg
    libffi
    sqlite
    zlib
  ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "Web browser built from Firefox source tree";
    license = lib.licenses.mpl20;
    maintainers = [ lib.maintainers.dita ];
  };
})
