{
  lib,
  buildPythonPackage,
  fetchPypi,
  cython,
  numpy,
  six,
}:

buildPythonPackage rec {
  pname = "pandas";
  version = "2.2.3";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-NQ6MeSbiJcCbKaIGQsPeZ/dP70jYKQFjvCqbKelVDAg=";
  };

  build-system = [ cython ];
  dependencies = [
    numpy
    six
  ];

  meta = {
    description = "Powerful data structures for data analysis, time series, and statistics";
    license = lib.licenses.bsd3;
    teams = [ lib.teams.python ];
  };
}
