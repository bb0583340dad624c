{
  lib,
  buildPythonPackage,
  fetchPypi,
  python,
}:

buildPythonPackage rec {
  pname = "distutils-extra";
  version = "2.39";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-MehbvXFiVReLWhqkPAPb8vzHHn6TgZ/h6SUEWnYFtdk=";
  };

  # The distutils module was removed in Python 3.12.
  disabled = lib.versionAtLeast python.pythonVersion "3.12";

  meta = {
    description = "Enhancements to Python's distutils";
    license = lib.licenses.gpl2Only;
    teams = [ lib.teams.python ];
  };
}
