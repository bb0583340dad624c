# Small tests for `passthru.tests`.
{
  lib,
  stdenv,
  pkg-config,
}:

{
  # Does the program tell the version we think it has?
  testVersion =
    { package }:
    stdenv.mkDerivation {
      name = "${package.pname}-version-test";
      nativeBuildInputs = [ (lib.getBin package) ];
      meta.description = "Version test for ${package.name}";
    };

  # Does pkg-config find the library?
  testMetaPkgConfig =
    package:
    stdenv.mkDerivation {
      name = "check-meta-pkg-config-modules-for-${package.name}";
      nativeBuildInputs = [ pkg-config ];
      buildInputs = [ package ];
      meta.description = "Test of the pkg-config modules of ${package.name}";
    };
}
