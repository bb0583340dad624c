{
  lib,
  buildPythonPackage,
  fetchPypi,
  ffmpeg,
  libpng,
  numpy,
  setuptools,
  torch,
}:

buildPythonPackage rec {
  pname = "torchvision";
  version = "0.20.1";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-twRFZ9tPttrYdVK3wIic6RJMJjiXva3mDPXRr/CUcXg=";
  };

  build-system = [ setuptools ];
  buildInputs = [
    ffmpeg
    libpng
  ];
  dependencies = [
    numpy
    torch
  ];

  meta = {
    description = "PyTorch vision library";
    license = lib.licenses.bsd3;
    teams = [ lib.teams.python ];
  };
}
