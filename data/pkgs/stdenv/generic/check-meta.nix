# Complete a package's meta, and refuse what the configuration does not allow.
#
# Unlike in Nixpkgs everything is allowed by default, so that an evaluation
# shows broken, unfree, insecure and unsupported packages with their flags.
{
  lib,
  config,
  system,
}:

let
  allow = {
    broken = config.allowBroken or true;
    unfree = config.allowUnfree or true;
    insecure = config.allowInsecure or true;
    unsupported = config.allowUnsupportedSystem or true;
  };

  positionOf =
    attrs:
    let
      pos =
        if attrs.meta.description or null != null then
          builtins.unsafeGetAttrPos "description" attrs.meta
        else if attrs ? version then
          builtins.unsafeGetAttrPos "version" attrs
        else
          builtins.unsafeGetAttrPos (if attrs ? pname then "pname" else "name") attrs;
    in
    lib.optionalAttrs (pos != null) { position = "${pos.file}:${toString pos.line}"; };

  refusals = {
    broken = "is marked as broken";
    unfree = "has an unfree license (‘unfree’)";
    insecure = "is marked as insecure";
    unsupported = "is not available on the requested hostPlatform";
  };
in
{
  completeMeta =
    {
      attrs,
      name,
      outputs,
    }:
    let
      given = attrs.meta or { };
      teams = given.teams or [ ];
      nonTeamMaintainers = given.maintainers or [ ];
      teamMembers = lib.concatMap (team: team.members) teams;

      broken = given.broken or false;
      insecure = given.knownVulnerabilities or [ ] != [ ];
      unfree = lib.any (license: !(license.free or true)) (lib.getLicenses given);
      unsupported = !lib.elem system (given.platforms or lib.platforms.all);
    in
    positionOf attrs
    // {
      platforms = lib.platforms.all;
      # What a user gets by installing it: programs and manuals.
      outputsToInstall = [
        (if lib.elem "bin" outputs then "bin" else lib.head outputs)
      ]
      ++ lib.optional (lib.elem "man" outputs) "man";
    }
    // given
    // {
      inherit
        name
        broken
        insecure
        unfree
        unsupported
        ;
      available = !(broken || insecure || unfree || unsupported);
      maintainers =
        nonTeamMaintainers ++ lib.filter (one: !lib.elem one nonTeamMaintainers) teamMembers;
    }
    // lib.optionalAttrs (teams != [ ]) { inherit nonTeamMaintainers; };

  assertValid =
    { meta, name }:
    value:
    let
      refused = lib.filter (flag: meta.${flag} && !allow.${flag}) (lib.attrNames refusals);
    in
    if refused == [ ] then
      value
    else
      throw "Package ‘${name}’ in ${meta.position or "an unknown file"} ${
        refusals.${lib.head refused}
      }, refusing to evaluate.";
}
