{
  lib,
  buildPythonPackage,
  fetchPypi,
  setuptools,
}:

buildPythonPackage rec {
  pname = "cython";
  version = "3.0.11";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-5X1RDz+pyQItdbkX6v/j8FBqi3sCyCuSg4Fzg4hWcsc=";
  };

  build-system = [ setuptools ];

  meta = {
    description = "Optimising static compiler for both the Python and the extended Cython programming languages";
    license = lib.licenses.asl20;
    teams = [ lib.teams.python ];
  };
}
