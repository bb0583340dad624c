{
  lib,
  buildPythonPackage,
  fetchPypi,
  libffi,
  setuptools,
}:

buildPythonPackage rec {
  pname = "cffi";
  version = "1.17.1";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-9DWAkcFkM9a1I7rD+csl8aAaYFScPS708bh0pM8cX1U=";
  };

  build-system = [ setuptools ];
  buildInputs = [ libffi ];

  meta = {
    description = "Foreign Function Interface for Python calling C code";
    license = lib.licenses.mit;
    teams = [ lib.teams.python ];
  };
}
