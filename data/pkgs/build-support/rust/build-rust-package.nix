{
  lib,
  stdenv,
  cargo,
  rustc,
  fetchCargoVendor,
}:

{
  pname,
  version,
  src,
  cargoHash,
  nativeBuildInputs ? [ ],
  ...
}@args:

stdenv.mkDerivation (
  removeAttrs args [ "cargoHash" ]
  // {
    nativeBuildInputs = [
      cargo
      rustc
    ]
    ++ nativeBuildInputs;
    cargoDeps = fetchCargoVendor {
      name = "${pname}-${version}";
      inherit src;
      hash = cargoHash;
    };
  }
)
