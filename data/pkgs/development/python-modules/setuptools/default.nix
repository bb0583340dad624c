{
  lib,
  buildPythonPackage,
  fetchPypi,
}:

buildPythonPackage rec {
  pname = "setuptools";
  version = "75.1.0";

  src = fetchPypi {
    inherit pname version;
    hash = "sha256-0Vkf3UuTmMQHPOoAzJi9VrBqUT93iij8/a7vfjMcIAQ=";
  };

  patches = [ ./tag-date.patch ];

  meta = {
    description = "Utilities to facilitate the installation of Python packages";
    license = lib.licenses.mit;
    teams = [ lib.teams.python ];
  };
}
