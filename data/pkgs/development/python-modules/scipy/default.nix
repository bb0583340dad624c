{
  lib,
  buildPythonPackage,
  fetchPypi,
  cython,
  numpy,
  openblas,
}:

buildPythonPackage rec {
  pname = "scipy";
  version = "1.14.1";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-Hi3V7CC2X9LEZSc8Zc+p9MG5KoUF+vz5dqcpaGtPDAI=";
  };

  build-system = [ cython ];
  buildInputs = [ openblas ];
  dependencies = [ numpy ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "SciPy (pronounced \"Sigh Pie\") is open-source software for mathematics, science, and engineering";
    license = lib.licenses.bsd3;
    teams = [ lib.teams.python ];
  };
}
