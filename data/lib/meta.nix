{ lib }:

{
  # Can `pkg` be built and used on `system`, as far as its meta says?
  availableOn = system: pkg: lib.elem system (pkg.meta.platforms or lib.platforms.all);

  getLicenses =
    meta: if lib.isList (meta.license or [ ]) then meta.license or [ ] else [ meta.license ];
}
