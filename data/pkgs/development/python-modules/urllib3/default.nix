{
  lib,
  buildPythonPackage,
  fetchPypi,
  setuptools,
}:

buildPythonPackage rec {
  pname = "urllib3";
  version = "2.2.3";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-oTOOtWMqDVT9UKLWfHUJ8jwPZrEc5p5wVrXm7oY4tI8=";
  };

  build-system = [ setuptools ];

  meta = {
    description = "Powerful, user-friendly HTTP client for Python";
    license = lib.licenses.mit;
    teams = [ lib.teams.python ];
  };
}
