{
  lib,
  stdenv,
  fetchurl,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "tzdata";
  version = "2024b";

  src = fetchurl {
    url = "https://data.iana.org/time-zones/releases/tzdata${finalAttrs.version}.tar.gz";
    hash = "sha256-RBAFbrv8GnzgouiDlWUBgjcQ7xxUOJz3JjpBCRm64Ds=";
  };

  outputs = [
    "out"
    "bin"
    "dev"
  ];

  meta = {
    description = "Database of current and historical time zones";
    license = lib.licenses.publicDomain;
    maintainers = [ lib.maintainers.emre ];
  };
})
