{
  lib,
  stdenv,
  python,
}:

stdenv.mkDerivation {
  name = "pypa-build-hook.sh";
  setupHook = ./pypa-build-hook.sh;
  propagatedBuildInputs = [ python ];
  preferLocalBuild = true;
  meta = {
    description = "Hook to build Python packages with pypa's build";
    license = lib.licenses.mit;
    teams = [ lib.teams.python ];
  };
}
