#!/usr/bin/env bash
# A major wave of the package set in data/, from the list to the last tag: planned, built by Nix wave by wave, with a failure that is
# let be, and tagged in git.
#
#   examples/upgrade.sh DIRECTORY
#
# Needs waves, Nix, git, jq and python3 on the PATH. DIRECTORY is made; a package set, a ledger and a store that Nix is told of (or its
# default) are all that is written to. docs/ledger.md explains each step.
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1"
cd "$1"

say() { printf '\n== %s\n' "$*"; }

commit() {
  git -C set add .
  git -C set -c user.name=Ada -c user.email=ada@example.org commit --quiet -m "$1"
}

# Which file says the version of a package.
file_of() {
  case "$1" in
    zlib) echo set/pkgs/development/libraries/zlib/default.nix ;;
    openssl) echo set/pkgs/development/libraries/openssl/3.3.nix ;;
    hello) echo set/pkgs/by-name/he/hello/package.nix ;;
  esac
}

# Updates the packages of a wave as their maintainers do: a version, and the hash that follows from it.
update() {
  local package from to
  jq -r --arg wave "$1" '.updates[] | select(.wave == $wave) | [.package, .from, .to] | @tsv' plan.json > changes
  while IFS=$'\t' read -r package from to; do
    sed -i "s/version = \"$from\"/version = \"$to\"/" "$(file_of "$package")"
  done < changes
  env -u NIX_STORE_DIR -u NIX_STATE_DIR -u NIX_LOG_DIR python3 set/maintainers/scripts/update-hashes.py
}

# Builds whatever may be built, step by step, and records what came of it, until nothing is left that can be.
build() {
  local derivation
  while waves next --paths --graph "$1" > paths && [ -s paths ]; do
    while read -r derivation; do
      if nix-store --realise "$derivation" > log 2>&1; then echo "$derivation succeeded"; else echo "$derivation failed"; fi
    done < paths > results.txt
    waves record results.txt --graph "$1" > /dev/null
  done
}

say "the package set, and what is to be updated"
cp -r "$source/data" set
chmod -R u+w set
git init --quiet --initial-branch=main set
commit "The set"
printf 'package,from,to\nzlib,1.3.1,1.3.2\nopenssl,3.3.2,3.4.0\nhello,2.12.1,2.12.2\n' > updates.csv

say "the plan"
waves eval set --quiet --output before.waves > /dev/null
waves plan --updates updates.csv --graph before.waves
waves plan --updates updates.csv --graph before.waves --format json > plan.json
waves verify plan.json --graph before.waves
waves start plan.json

for wave in $(jq -r '.waves[].name' plan.json); do
  say "$wave: update, evaluate"
  update "$wave"
  if [ "$wave" = wave-1.1 ]; then
    # Something that the update breaks.
    sed -i 's|pname = "libpng";|&\n  patches = [ "/there/is/no.patch" ];|' set/pkgs/by-name/li/libpng/package.nix
  fi
  commit "$wave"
  waves eval set --quiet --output "$wave.waves" > /dev/null

  say "$wave: build"
  waves export plan.json --to nix-build --wave "$wave" --file set --graph "$wave.waves" > "$wave.sh" 2> /dev/null
  sh "$wave.sh" > log 2>&1 || echo "something failed"
  build "$wave.waves"

  say "$wave: close"
  if ! waves tag "$wave" --repo set --tagger "Ada <ada@example.org>" --graph "$wave.waves"; then
    waves status --limit 3 --graph "$wave.waves"
    waves waive libpng --wave "$wave" --reason "upstream knows of it" --until wave-1.2 --graph "$wave.waves"
    waves tag "$wave" --repo set --tagger "Ada <ada@example.org>" --graph "$wave.waves"
  fi
done

say "the tags"
git -C set tag --list -n1
