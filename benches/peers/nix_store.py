#!/usr/bin/env python3
"""A private Nix store that holds the derivations of a dump, as `.drv` files that Nix has registered.

    nix_store.py DUMP STORE

DUMP is that of `nix show-derivation -r` of Nix 2.4 to 2.17, compressed with zstd or not. Nothing of the machine's own store is touched. A
derivation refers to its inputs, and one with a fixed output to nothing: so the store's referrers are the rebuild edges.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

# Of no file: nothing reads it, and hashing a quarter of a million files is not what is measured.
NO_HASH = "sha256:" + "0" * 64

CONFIGURATION = "substitute = false\nsandbox = false\nbuild-users-group =\nexperimental-features = nix-command ca-derivations impure-derivations"


def environment(store):
    """The variables with which Nix uses a private store."""
    home = Path(store) / "home"
    home.mkdir(parents=True, exist_ok=True)
    private = {"NIX_REMOTE": str(Path(store).resolve() / "root"), "NIX_CONFIG": CONFIGURATION, "HOME": str(home), "LC_ALL": "C"}
    return {key: value for key, value in os.environ.items() if not key.startswith("NIX_")} | private


def read_dump(dump):
    """The bytes of a dump."""
    if not str(dump).endswith(".zst"):
        return Path(dump).read_bytes()
    return subprocess.run(["zstd", "-dc", "--long=31", dump], check=True, stdout=subprocess.PIPE).stdout


def is_fixed(derivation):
    """Whether an output is known by its hash, so that a change of inputs rebuilds nothing."""
    return any("hash" in output for output in derivation["outputs"].values())


def quoted(text):
    for plain, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(plain, escape)
    return f'"{text}"'


def quoted_list(texts):
    return "[" + ",".join(map(quoted, texts)) + "]"


def tuples(rows):
    return "[" + ",".join("(" + ",".join(row) + ")" for row in rows) + "]"


def aterm(derivation):
    """A derivation as the text that Nix keeps in its store."""
    output_keys = ("path", "hashAlgo", "hash")
    outputs = derivation["outputs"].items()
    fields = [
        tuples([quoted(name), *(quoted(output.get(key, "")) for key in output_keys)] for name, output in sorted(outputs)),
        tuples((quoted(path), quoted_list(sorted(names))) for path, names in sorted(derivation["inputDrvs"].items())),
        quoted_list(sorted(derivation["inputSrcs"])),
        quoted(derivation["system"]),
        quoted(derivation["builder"]),
        quoted_list(derivation["args"]),
        tuples((quoted(key), quoted(value)) for key, value in sorted(derivation["env"].items())),
    ]
    return f"Derive({','.join(fields)})"


def write_files(derivations, directory):
    directory.mkdir(parents=True)
    for path, derivation in derivations.items():
        text = aterm(derivation).encode(errors="surrogateescape")
        (directory / os.path.basename(path)).write_bytes(text)


def registration(derivations):
    """What `nix-store --load-db` reads: path, hash, size, deriver, and references of each."""
    for path, derivation in derivations.items():
        references = [] if is_fixed(derivation) else list(derivation["inputDrvs"])
        yield "\n".join([path, NO_HASH, "1", "", str(len(references)), *references, ""])


def main():
    dump, store = sys.argv[1], Path(sys.argv[2])
    derivations = json.loads(read_dump(dump))
    directory = store / "root/nix/store"
    if not directory.exists():
        write_files(derivations, directory)
    with subprocess.Popen(["nix-store", "--load-db"], env=environment(store), stdin=subprocess.PIPE) as nix:
        for lines in registration(derivations):
            nix.stdin.write(lines.encode(errors="surrogateescape"))
    if nix.returncode != 0:
        sys.exit(f"nix-store --load-db failed with {nix.returncode}")
    print(f"{len(derivations)} derivations in {directory}")


if __name__ == "__main__":
    main()
