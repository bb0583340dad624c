{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "mas";
  version = "1.8.7";

  src = fetchurl {
    url = "https://github.com/mas-cli/mas/releases/download/v${finalAttrs.version}/mas.pkg";
    hash = "sha256-XqkTIf16lkxklZQ1CREtxefidsQ49lKZ5tPYeap1aBk=";
  };

  meta = {
    description = "Mac App Store command line interface";
    license = lib.licenses.mit;
    maintainers = [ lib.maintainers.dita ];
    platforms = lib.platforms.darwin;
  };
})
