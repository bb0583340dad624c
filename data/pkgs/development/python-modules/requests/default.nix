{
  lib,
  buildPythonPackage,
  fetchPypi,
  cryptography,
  setuptools,
  urllib3,
}:

buildPythonPackage rec {
  pname = "requests";
  version = "2.32.3";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-Usfb19ABJbayg+RbwAxEDgB4xMLtr5j3GVUfj3K3pTk=";
  };

  build-system = [ setuptools ];
  dependencies = [
    cryptography
    urllib3
  ];

  meta = {
    description = "HTTP library for Python";
    license = lib.licenses.asl20;
    teams = [ lib.teams.python ];
  };
}
