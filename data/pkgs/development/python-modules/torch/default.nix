{
  lib,
  buildPythonPackage,
  fetchPypi,
  cmake,
  ninja,
  numpy,
  openblas,
  scipy,
  setuptools,
}:

buildPythonPackage rec {
  pname = "torch";
  version = "2.5.1";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-CAUkmJkMfS1WoMDqCXCNEkaD+taHPKGA+bQBOLoeG4c=";
  };

  outputs = [
    "out"
    "dev"
    "lib"
    "dist"
  ];

  build-system = [ setuptools ];
  nativeBuildInputs = [
    cmake
    ninja
  ];
  buildInputs = [ openblas ];
  dependencies = [
    numpy
    scipy
  ];

  requiredSystemFeatures = [ "big-parallel" ];

  meta = {
    description = "PyTorch: Tensors and Dynamic neural networks in Python with strong GPU acceleration";
    license = lib.licenses.bsd3;
    teams = [ lib.teams.python ];
  };
}
