{
  lib,
  buildPythonPackage,
  fetchPypi,
  cython,
  openblas,
  # for passthru.tests
  pandas,
  scipy,
}:

buildPythonPackage rec {
  pname = "numpy";
  version = "2.1.3";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-w9hfTTYnANgjV2CPrqLiLAd+pyW8Gc+wkgnLo5V9000=";
  };

  patches = [ ./disable-failing-long-double.patch ];

  build-system = [ cython ];
  buildInputs = [ openblas ];

  passthru.tests = {
    inherit pandas scipy;
  };

  meta = {
    description = "Scientific tools for Python";
    license = lib.licenses.bsd3;
    teams = [ lib.teams.python ];
  };
}
