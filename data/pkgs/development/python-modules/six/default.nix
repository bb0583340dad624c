{
  lib,
  buildPythonPackage,
  fetchPypi,
  setuptools,
}:

buildPythonPackage rec {
  pname = "six";
  version = "1.16.0";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-R+OwKYinRMwQWe3SuRIMT0BfuUnaK5BSVRB/WssF4gs=";
  };

  build-system = [ setuptools ];

  meta = {
    description = "Python 2 and 3 compatibility library";
    license = lib.licenses.mit;
    teams = [ lib.teams.python ];
  };
}
