#!/usr/bin/env python3
"""The edges of a dump of derivations, with a JSON library of Python: prints how many derivations, inputs, and inputs that rebuild.

    load.py json|orjson DUMP
"""

import importlib
import sys

from nix_store import is_fixed, read_dump


def main():
    library, dump = sys.argv[1:]
    derivations = importlib.import_module(library).loads(read_dump(dump))
    number = {path: at for at, path in enumerate(derivations)}
    inputs, rebuilds = 0, []
    for user, derivation in enumerate(derivations.values()):
        used = derivation["inputDrvs"]
        inputs += len(used)
        if not is_fixed(derivation):
            rebuilds += [(number[path], user) for path in used]
    print([len(derivations), inputs, len(rebuilds)])


if __name__ == "__main__":
    main()
