# The same for `__structuredAttrs`, where attributes arrive as JSON and not in
# the environment. The output paths are arguments, as /bin/sh reads no JSON.

[ -e "$NIX_ATTRS_JSON_FILE" ] || exit 1

for path; do
  echo "${path#/nix/store/*-}" > "$path"
done
