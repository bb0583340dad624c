# What a binary is made of, as CycloneDX 1.5, from `cargo metadata --filter-platform`.
#
#   $package    whose binary it is
#   $built      what is built for it: { "name version": true }. Metadata has the features of the whole workspace, tests included.
#   $checksums  of Cargo.lock: { "name version": sha256 }
#   $time       when it was made, as RFC 3339 has it

# A version may have a `+`, which means a blank where a purl is part of a URL.
def purl: "pkg:cargo/\(.name)@\(.version | @uri)";

# Old manifests write `MIT/Apache-2.0`.
def licences:
  if .license then [{ expression: (.license | gsub(" */ *"; " OR ")) }] elif .license_file then [{ license: { name: .license_file } }] else [] end;

def component($type):
  { type: $type, "bom-ref": purl, name, version, licenses: licences, purl: purl }
  + (if .description then { description: (.description | gsub("\\s+"; " ") | ltrimstr(" ") | rtrimstr(" ")) } else {} end)
  + ($checksums["\(.name) \(.version)"] as $checksum | if $checksum then { hashes: [{ alg: "SHA-256", content: $checksum }] } else {} end)
  + (if .repository then { externalReferences: [{ type: "vcs", url: .repository }] } else {} end);

(.packages | map({ key: .id, value: . }) | from_entries) as $packages
| (.resolve.nodes
  | map({ key: .id, value: [.deps[] | select(any(.dep_kinds[]; .kind != "dev")) | .pkg | select($built[$packages[.] | "\(.name) \(.version)"])] })
  | from_entries) as $needs
| first(.packages[] | select(.name == $package and .source == null)) as $root
| ({ reached: { ($root.id): true }, open: [$root.id] }
  | until(.open == [];
      .reached as $reached
      | .open = ([.open[] | $needs[.][]] | unique | map(select($reached[.] | not)))
      | .reached += (.open | map({ key: ., value: true }) | from_entries))
  | .reached | keys) as $reached
| {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { timestamp: $time, component: ($root | component("application")) },
    components: ([$reached[] | select(. != $root.id) | $packages[.] | component("library")] | sort_by(.purl)),
    dependencies: ([$reached[] | { ref: ($packages[.] | purl), dependsOn: ([$needs[.][] | $packages[.] | purl] | unique) }] | sort_by(.ref))
  }
