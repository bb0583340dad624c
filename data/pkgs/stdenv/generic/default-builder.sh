# Build a package, in miniature: see that every input is there, then write one
# small text file for each output. Shell builtins only, so that any /bin/sh does.

for input in $stdenv $nativeBuildInputs $buildInputs $propagatedBuildInputs $src $patches; do
  if [ ! -e "$input" ]; then
    echo "$name: input $input is missing" >&2
    exit 1
  fi
done

for output in $outputs; do
  eval "path=\$$output"
  {
    echo "$name: $output"
    for input in $nativeBuildInputs $buildInputs; do
      # The name without its hash, which would be a reference.
      echo "built with ${input#/nix/store/*-}"
    done
    for input in $propagatedBuildInputs; do
      echo "needs $input"
    done
    if [ "$output" = dev ]; then
      for sibling in $outputs; do
        [ "$sibling" = dev ] || eval "echo \"headers for \$$sibling\""
      done
    fi
  } > "$path"
done
