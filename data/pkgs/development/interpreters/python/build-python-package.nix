# Build a Python package; the interpreter's version becomes part of its name.
{
  lib,
  stdenv,
  python,
  pypaBuildHook,
}:

{
  pname,
  version,
  dependencies ? [ ],
  build-system ? [ ],
  disabled ? false,
  ...
}@args:

if disabled then
  throw "${pname}-${version} not supported for interpreter python${python.pythonVersion}"
else
  stdenv.mkDerivation (
    removeAttrs args [
      "dependencies"
      "build-system"
      "disabled"
    ]
    // {
      name = "python${python.pythonVersion}-${pname}-${version}";
      outputs = args.outputs or [
        "out"
        "dist"
      ];
      nativeBuildInputs = [
        python
        pypaBuildHook
      ]
      ++ build-system
      ++ args.nativeBuildInputs or [ ];
      propagatedBuildInputs = dependencies ++ [ python ];
    }
  )
