{
  lib,
  buildPythonPackage,
  fetchPypi,
  cargo,
  cffi,
  fetchCargoVendor,
  openssl,
  rustc,
  setuptools,
}:

buildPythonPackage rec {
  pname = "cryptography";
  version = "43.0.1";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-wi13fzX9oUB9+RkCvwkFaPuZmfQlzCdGQBiSEF1PkZc=";
  };

  cargoDeps = fetchCargoVendor {
    name = "${pname}-${version}";
    inherit src;
    hash = "sha256-bKHCusBtku9yunL0CLsxBdxAFN1xMIzTZueE+lSv6zk=";
  };

  build-system = [ setuptools ];
  nativeBuildInputs = [
    cargo
    rustc
  ];
  buildInputs = [ openssl ];
  dependencies = [ cffi ];

  meta = {
    description = "Package which provides cryptographic recipes and primitives";
    license = lib.licenses.asl20;
    teams = [ lib.teams.python ];
  };
}
