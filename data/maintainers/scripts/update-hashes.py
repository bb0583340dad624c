#!/usr/bin/env python3
"""Correct the hashes of all fetched sources, after a version was changed.

Everything which is fetched here is the line "contents of <url>", see
pkgs/build-support/fetchurl/builder.sh. So a hash follows from the URL, and
this script knows which hash each fixed-output derivation should have had.

    maintainers/scripts/update-hashes.py           # rewrite the .nix files
    maintainers/scripts/update-hashes.py --check   # only tell, exit 1 if wrong
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).resolve().parents[2]


def nar_of_file(contents: bytes) -> bytes:
    """Return the Nix archive of a regular file."""

    def string(value: bytes) -> bytes:
        return len(value).to_bytes(8, "little") + value + b"\0" * (-len(value) % 8)

    words = [b"nix-archive-1", b"(", b"type", b"regular", b"contents", contents, b")"]
    return b"".join(map(string, words))


def expected_hash(env: dict[str, str]) -> str:
    """Return the SRI hash of what a fixed-output derivation makes."""
    contents = f"contents of {env['url']}\n".encode()
    if env["outputHashMode"] == "recursive":
        contents = nar_of_file(contents)
    return "sha256-" + base64.b64encode(hashlib.sha256(contents).digest()).decode()


def wrong_hashes(store: str) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the given and the right hash of each wrong derivation."""

    def nix(*command: str) -> str:
        return subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    rows = json.loads(
        nix(
            "nix-instantiate", "--store", store, "--eval", "--strict", "--json",
            "--read-write-mode", "--argstr", "system", "x86_64-linux",
            str(DATA / "ci/eval.nix"),
        )
    )  # fmt: skip
    paths = sorted({row["drvPath"] for row in rows if "drvPath" in row})
    derivations = json.loads(
        nix(
            "nix", "--extra-experimental-features", "nix-command", "--store", store,
            "show-derivation", "-r", *paths,
        )
    )  # fmt: skip
    for derivation in derivations.values():
        env = derivation["env"]
        if "outputHash" in env and env["outputHash"] != expected_hash(env):
            yield env["name"], env["outputHash"], expected_hash(env)


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as store:
        wrong = sorted(set(wrong_hashes(store)))

    files = {path: path.read_text() for path in DATA.rglob("*.nix")}
    for name, given, right in wrong:
        users = [path for path, text in files.items() if given in text]
        if len(users) != 1:
            sys.exit(f"{name}: {given} is in {len(users)} files, not in one")
        print(f"{users[0].relative_to(DATA)}: {name}: {right}")
        files[users[0]] = files[users[0]].replace(given, right)
        if not options.check:
            users[0].write_text(files[users[0]])
    return 1 if wrong and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
