# What nixpkgs' CI writes of a change, from its rules in words.
#
# Input: {"before": {…}, "after": {…}}, two objects of `name.platform` to outputs; or what differs between them, as lists of
# `name.platform`. Output: changed-paths.json.

# Both parts of `name.platform`; nothing of what has only one.
def parts: split(".") | {name: .[:-1] | join("."), platform: .[-1]} | select(.name != "");

def names(wanted): [.[] | parts | select(.platform | wanted) | .name] | unique;

def platforms: [.[][] | parts | .platform] | unique | .[];

def differences:
  .before as $before | .after as $after
  | ([$before[][]] | map({key: ., value: true}) | from_entries) as $built
  | {
      added: [$after | keys[] | select(in($before) | not)],
      removed: [$before | keys[] | select(in($after) | not)],
      changed: [$before | keys[] | select(in($after)) | select($before[.] != $after[.])],
      rebuilds: [$after | to_entries[] | select([.value[] | select(in($built) | not)] != []) | .key]
    };

def attrdiff(wanted): {added, changed, removed} | map_values(names(wanted));

def kernels(of): reduce ("linux", "darwin") as $kernel ({}; .[$kernel] = ($kernel | of));

def buckets:
  {
    "0": (. == 0), "1": (. == 1), "1-10": (1 <= . and . <= 10), "11-100": (11 <= . and . <= 100),
    "101-500": (101 <= . and . <= 500), "501-1000": (501 <= . and . <= 1000), "501+": (. > 500),
    "1001-2500": (1001 <= . and . <= 2500), "2501-5000": (2501 <= . and . <= 5000), "5001+": (. > 5000)
  };

def labels:
  . as $rebuilds
  | [("linux", "darwin") as $kernel
      | ($rebuilds | names(endswith($kernel))) as $names
      | ($names | length | buckets | to_entries[] | .key |= "10.rebuild-\($kernel): \(.)"),
        {key: "10.rebuild-\($kernel)-stdenv", value: ($names | any(. == "stdenv"))}]
    + [{key: "10.rebuild-nixos-tests", value: (names(true) | any(. == "nixosTests.simple-container" or . == "nixosTests.simple-vm"))}]
  | from_entries;

(if has("before") then differences else . end)
| . as $all
| (.rebuilds | sort) as $rebuilds
| {
    attrdiff: attrdiff(true),
    attrdiffByKernel: kernels(. as $kernel | $all | attrdiff(endswith($kernel))),
    attrdiffByPlatform: (reduce ({added, changed, removed} | platforms) as $platform ({}; .[$platform] = ($all | attrdiff(. == $platform)))),
    labels: ($rebuilds | labels),
    rebuildCountByKernel: kernels(. as $kernel | $rebuilds | names(endswith($kernel)) | length),
    rebuildsByKernel: kernels(. as $kernel | $rebuilds | names(endswith($kernel))),
    rebuildsByPlatform: (reduce ($rebuilds[] | parts) as $part ({}; .[$part.platform] += [$part.name]))
  }
