# What `waves eval` asks Nix, of any version since 2.4.
#
# A set is looked into if it is the outermost one, if it was asked for, or if it
# has `recurseForDerivations = true`.
{
  source, # what was evaluated: a value, or the outputs of a flake
  fragment, # the path after a flake's `#`; null of a file
  system, # null if none was asked for
  attrs, # the paths that were asked for; none is all of it
}:

let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    deepSeq
    elem
    filter
    foldl'
    functionArgs
    head
    isAttrs
    isFunction
    isList
    isPath
    length
    listToAttrs
    map
    mapAttrs
    parseDrvName
    seq
    storeDir
    stringLength
    substring
    tail
    toString
    tryEval
    ;

  wantedSystem = if system == null then builtins.currentSystem else system;

  # A file may be a function, as default.nix of Nixpkgs is.
  call =
    value:
    let
      arguments = functionArgs value;
      # What the function itself would choose is better than a guess.
      wantsSystem = arguments ? system && (system != null || !arguments.system);
    in
    if isFunction value then value (if wantsSystem then { system = wantedSystem; } else { }) else value;

  follow = foldl' (set: name: set.${name});

  has = set: path: path == [ ] || set ? ${head path} && has set.${head path} (tail path);

  # As `nix build` looks a fragment up, which also knows the packages of a flake by their names.
  output =
    flake:
    let
      places = map (set: [ set wantedSystem ] ++ fragment) (
        if fragment == [ ] then [ "legacyPackages" "packages" ] else [ "packages" "legacyPackages" ]
      );
      candidates = places ++ (if fragment == [ ] then [ ] else [ fragment ]);
      found = filter (has flake) candidates;
    in
    if found == [ ] then
      throw "the flake has none of ${concatStringsSep ", " (map (concatStringsSep ".") candidates)}"
    else
      follow flake (head found);

  value = call (if fragment == null then source else output source);

  # A derivation by itself gets a name.
  root = if isDerivation value then { ${(parseDrvName value.name).name} = value; } else value;

  maxDepth = 10;

  isDerivation = value: value.type or null == "derivation";
  isPlainSet = value: isAttrs value && !isDerivation value;
  kind =
    path: value:
    if isDerivation value then
      "derivation"
    else if isAttrs value && value.recurseForDerivations or false then
      if length path > maxDepth then throw "it is a set in a set, ${toString maxDepth} times: does one contain itself?" else "set"
    else
      "other";

  at = follow root;
  below = path: set: map (name: path ++ [ name ]) (attrNames set);

  # A value without what JSON cannot hold, and without what Nix would copy to the store for it.
  plain =
    value:
    if isAttrs value then
      if value ? outPath || value ? __toString then null else mapAttrs (_: plain) value
    else if isList value then
      map plain value
    else if isFunction value || isPath value then
      null
    else
      value;

  metaFields = [
    "broken"
    "description"
    "hydraPlatforms"
    "insecure"
    "knownVulnerabilities"
    "license"
    "maintainers"
    "nonTeamMaintainers"
    "position"
    "teams"
    "unfree"
  ];

  metaOf =
    drv:
    let
      meta = drv.meta or { };
      attempt = name: tryEval (deepSeq (plain meta.${name}) (plain meta.${name}));
      field = name: {
        inherit name;
        value = if (attempt name).success then (attempt name).value else null;
      };
    in
    listToAttrs (map field (filter (name: meta ? ${name}) metaFields));

  # An output path that is known only when it is built is a placeholder.
  known = path: if substring 0 (stringLength storeDir) path == storeDir then path else null;

  # What nix-eval-jobs would say.
  row = attrPath: drv: {
    inherit attrPath;
    inherit (drv) name system drvPath;
    outputs = listToAttrs (
      map (name: {
        inherit name;
        value = known (drv.${name} or drv).outPath;
      }) (drv.outputs or [ "out" ])
    );
    meta = metaOf drv;
  };

  visit =
    path: value:
    let
      found = tryEval (kind path value);
      attempt = tryEval (deepSeq (row path value) (row path value));
      failed = [
        {
          attrPath = path;
          error = "it does not evaluate, like many others here: `nix-instantiate -A` tells why";
        }
      ];
    in
    if !found.success then
      failed
    else if found.value == "set" then
      concatMap (name: visit (path ++ [ name ]) value.${name}) (attrNames value)
    else if found.value == "derivation" then
      if attempt.success then [ attempt.value ] else failed
    else
      [ ];

  missing = filter (path: !has root path) attrs;
  expand =
    path: if (tryEval (isPlainSet (at path))).value then below path (at path) else [ path ];

  # What is above `paths`, and nothing else. Nested, so that nix-eval-jobs names it by its path.
  pick =
    value: paths:
    let
      under = name: map tail (filter (path: head path == name) paths);
      nested = listToAttrs (
        map (path: {
          name = head path;
          value = pick value.${head path} (under (head path));
        }) paths
      );
    in
    if elem [ ] paths then
      if isPlainSet value then value // { recurseForDerivations = true; } else value
    else
      nested // { recurseForDerivations = true; };
in
rec {
  # The paths to evaluate.
  units =
    if attrs == [ ] then
      below [ ] root
    else if missing != [ ] then
      throw "there is no attribute ${concatStringsSep ", " (map (concatStringsSep ".") missing)}"
    else
      concatMap expand attrs;

  # The paths below one; none if it is no set to look into.
  children = path: if kind path (at path) == "set" then below path (at path) else [ ];

  # A row for each derivation at or below the paths, and for each attribute that fails. `tryEval` does not
  # tell why it does.
  rows = concatMap (path: visit path (at path));

  # Fails with the message of an attribute.
  explain = path: seq (kind path (at path)) (row path (at path));

  # All that is to be evaluated, as one set.
  tree = if attrs == [ ] then root else seq (length units) (pick root attrs);
}
