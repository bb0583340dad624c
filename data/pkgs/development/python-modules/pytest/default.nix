{
  lib,
  buildPythonPackage,
  fetchPypi,
  setuptools,
}:

buildPythonPackage rec {
  pname = "pytest";
  version = "8.3.3";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-dsDgOxnlYqP3yUvVPUurDaKItJty4ULowh2lBnyhLK0=";
  };

  build-system = [ setuptools ];

  meta = {
    description = "Framework for writing tests";
    license = lib.licenses.mit;
    teams = [ lib.teams.python ];
  };
}
