#!/usr/bin/env bash
# Remake the dumps in data/dumps with Nix 2.8, offline and without a daemon.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: regenerate.sh [--check | --out DIR [--full]]

Evaluate the package set and write everything in dumps/ anew.

  --check     compare with the files in dumps/ and change nothing;
              exit 1 naming the first which differs
  --out DIR   write to DIR and not to dumps/
  --full      let the files of the sample cover the whole set; with --out
  --help      show this text

Needs nix-instantiate, nix and nix-env 2.8, jq, python3, patch and GNU tar.
EOF
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
out=$here/dumps
check=false
full=false

while [ $# -gt 0 ]; do
  case $1 in
    --check) check=true ;;
    --full) full=true ;;
    --out)
      [ $# -ge 2 ] || { usage >&2; exit 2; }
      out=$2
      shift
      ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

if $full && [ "$out" = "$here/dumps" ]; then
  usage >&2
  exit 2
fi

case $(nix --version) in
  *" 2.8."*) ;;
  *) echo "regenerate.sh: this is not Nix 2.8, the dumps may differ" >&2 ;;
esac

work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT

if $check; then
  out=$work/dumps
fi
mkdir -p "$out/ci/x86_64-linux" "$out/update"
out=$(cd "$out" && pwd -P)

# A store of its own: paths are still those of /nix/store, files are below $work.
export NIX_REMOTE=$work/root HOME=$work/home
# Root needs no group of builders here; where there is none, Nix would warn in the middle of messages.
export NIX_CONFIG="substitute = false
build-users-group ="
export LC_ALL=C TZ=UTC
unset NIX_PATH NIX_STORE_DIR NIX_STATE_DIR
mkdir -p "$NIX_REMOTE" "$HOME"

convert() { python3 "$here/convert.py" "$@"; }
relative() { convert relative --root "${1:-$here}"; }

# evaluate ENTRY [ROOT]: the rows of ci/eval.nix, and the .drv files in the store.
evaluate() {
  nix-instantiate --eval --strict --json --read-write-mode \
    --argstr system x86_64-linux --arg entry "$1" "$here/ci/eval.nix" | relative "${2:-$here}"
}

# show_derivations: the closure of the .drv paths on standard input.
show_derivations() {
  xargs nix --extra-experimental-features \
    "nix-command ca-derivations impure-derivations" show-derivation -r
}

# errors < rows: why attributes fail, as an object.
errors() {
  jq -r '.[] | select(.error) | .attrPath | join(".")' | while read -r attr; do
    { nix-instantiate "$here" -A "$attr" 2>&1 >"$work/null" || true; } | relative |
      grep -v "^(use '--show-trace'" |
      jq -Rs --arg attr "$attr" '{ ($attr): rtrimstr("\n") | rtrimstr("\n") }'
  done | jq -s add
}

# totals < derivations: independent of convert.py.
totals() {
  jq '{
    derivations: length,
    fixed_output: [.[] | select(any(.outputs[]; has("hash")))] | length,
    edges: [.[].inputDrvs | length] | add,
    outputs: [.[].outputs | length] | add,
    output_paths: [.[].outputs[].path] | unique | length
  }'
}

### Derivations

evaluate "$here/default.nix" >"$work/rows.json"
errors <"$work/rows.json" >"$work/errors.json"

jq -r '.[].drvPath // empty' "$work/rows.json" | sort -u >"$work/roots"
show_derivations <"$work/roots" >"$out/derivations.json"

# The sample is all below jq: the bootstrap, and a fetcher with curl.
if $full; then
  cp "$work/roots" "$work/sample-roots"
else
  jq -r '.[] | select(.attrPath == ["jq"]).drvPath' "$work/rows.json" >"$work/sample-roots"
fi
show_derivations <"$work/sample-roots" >"$work/sample.json"
for version in 2.18 2.23 2.30 2.32 2.33; do
  convert show-derivation --to "$version" <"$work/sample.json" \
    >"$out/derivations-$version.json"
done

jq -r 'keys[] | ltrimstr("/nix/store/")' "$work/sample.json" >"$work/drvs"
tar --create --file "$out/drvs.tar" --directory "$NIX_REMOTE/nix/store" \
  --format ustar --sort name --mtime @0 --owner 0 --group 0 --numeric-owner --mode 0444 \
  --files-from "$work/drvs"

nix-instantiate --extra-experimental-features "ca-derivations impure-derivations" \
  "$here/ci/content-addressed.nix" 2>"$work/null" | sort |
  show_derivations >"$out/content-addressed.json"
convert show-derivation --to 2.33 <"$out/content-addressed.json" \
  >"$out/content-addressed-2.33.json"

jq -r '.[].outputs[].path' "$out/derivations.json" | sort -u >"$out/store-paths.txt"

### nix-eval-jobs

jobs=(eval-jobs --derivations "$out/derivations.json" --errors "$work/errors.json")
convert "${jobs[@]}" <"$work/rows.json" >"$out/eval-jobs.jsonl"
convert "${jobs[@]}" --inputs <"$work/rows.json" >"$out/eval-jobs-inputs.jsonl"

# Tests: their own derivations are not among those above.
evaluate "$here/tests.nix" >"$work/test-rows.json"
jq -r '.[].drvPath' "$work/test-rows.json" | sort -u | show_derivations >"$work/tests.json"
convert eval-jobs --inputs --derivations "$work/tests.json" --errors "$work/errors.json" \
  <"$work/test-rows.json" >"$out/tests.jsonl"

### A pull request

# The set after update.patch; of its derivations, those which were not there before.
cp -r "$here" "$work/update"
chmod -R u+w "$work/update"
patch --quiet --strip 1 --directory "$work/update" <"$here/update.patch"
evaluate "$work/update/default.nix" "$work/update" >"$work/update-rows.json"
jq -r '.[].drvPath // empty' "$work/update-rows.json" | sort -u | show_derivations >"$work/update.json"
jq --slurpfile before "$out/derivations.json" \
  'with_entries(select(.key | in($before[0]) | not))' "$work/update.json" >"$out/update/derivations.json"
convert eval-jobs --derivations "$work/update.json" --errors "$work/errors.json" \
  <"$work/update-rows.json" >"$out/update/eval-jobs.jsonl"

### nix-env

nix_env() { nix-env -qaP -f "$@" | relative; }

nix_env "$here" --json --out-path --meta >"$out/nix-env.json"
nix_env "$here" --no-name --out-path >"$out/nix-env.txt"
nix_env "$here" --status --system --drv-path --out-path --description >"$out/nix-env-drv.txt"

### nixpkgs' CI

nix_env "$here/ci/outpaths.nix" --no-name --out-path | convert outpaths >"$out/outpaths.json"
nix_env "$here/ci/outpaths.nix" --json --out-path --meta |
  jq 'with_entries(select(.key | endswith(".x86_64-linux")))' >"$work/ci.json"
jq -c 'map_values(.outputs)' "$work/ci.json" >"$out/ci/x86_64-linux/paths.json"
jq -c 'map_values(.meta)' "$work/ci.json" >"$out/ci/x86_64-linux/meta.json"

### Made up

convert updates <"$work/rows.json" >"$out/updates.csv"
convert durations <"$out/derivations.json" >"$out/durations.csv"

### Totals

attributes=$(jq -s '{
  attributes: [.[] | select(.drvPath)] | length,
  errors: [.[] | select(.error)] | length,
  attribute_derivations: [.[].drvPath // empty] | unique | length
}' "$out/eval-jobs.jsonl")
totals <"$out/derivations.json" |
  jq --argjson attributes "$attributes" --argjson sample "$(totals <"$work/sample.json")" \
    '. + $attributes + { sample: $sample }' >"$out/totals.json"

### Compare

if $check; then
  first=$(diff -rq "$here/dumps" "$out" | head -n 1 || true)
  if [ -n "$first" ]; then
    echo "regenerate.sh: ${first//$work\//fresh }" >&2
    exit 1
  fi
  echo "dumps are up to date"
fi
