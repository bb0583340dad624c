#!/usr/bin/env python3
"""Rewrite what Nix 2.8 tells into the formats of other versions and programs.

Nix 2.8 is what makes the dumps, see regenerate.sh. What it cannot say itself
is derived here from what it did say; nothing is evaluated or hashed anew.

    convert.py show-derivation --to 2.33 < derivations.json
    convert.py eval-jobs --derivations D --errors E < rows.json
    convert.py outpaths < nix-env.txt
    convert.py updates < rows.json
    convert.py durations < derivations.json
    convert.py relative --root DIR < anything
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = dict[str, Any]

STORE_DIR = "/nix/store"

#: Versions of Nix at which the output of `nix show-derivation -r` changed.
SHOW_DERIVATION_VERSIONS = ("2.18", "2.23", "2.30", "2.32", "2.33")


# -- nix show-derivation -r ---------------------------------------------------


def base_name(path: str) -> str:
    """Return a store path without the store directory."""
    return path.removeprefix(f"{STORE_DIR}/")


def derivation_name(drv_path: str) -> str:
    """Return the name in a path such as /nix/store/<hash>-<name>.drv."""
    return base_name(drv_path).split("-", 1)[1].removesuffix(".drv")


def split_method(output: Json) -> Json:
    """Split "r:sha256" into a method and an algorithm, as since Nix 2.23."""
    if "hashAlgo" not in output:
        return output
    prefix, colon, algorithm = output["hashAlgo"].rpartition(":")
    method = {"": "flat", "r": "nar", "text": "text"}[prefix if colon else ""]
    return {**output, "method": method, "hashAlgo": algorithm}


def sri_hash(output: Json) -> Json:
    """Write a known hash as "sha256-<base64>", as since Nix 2.33."""
    if "hash" not in output:
        return output
    digest = base64.b64encode(bytes.fromhex(output["hash"])).decode()
    rest = {key: value for key, value in output.items() if key != "hashAlgo"}
    return {**rest, "hash": f"{output['hashAlgo']}-{digest}"}


def without_store_dir(output: Json) -> Json:
    """Shorten the path of an output, and omit that which a hash implies."""
    if "hash" in output:
        return {key: value for key, value in output.items() if key != "path"}
    if "path" in output:
        return {**output, "path": base_name(output["path"])}
    return output


def with_input_nodes(derivation: Json) -> Json:
    """Make objects of the lists of used outputs, as since Nix 2.18."""
    nodes = {
        path: {"dynamicOutputs": {}, "outputs": outputs}
        for path, outputs in derivation["inputDrvs"].items()
    }
    return {**derivation, "inputDrvs": nodes}


def with_outputs(derivation: Json, change: Callable[[Json], Json]) -> Json:
    """Change every output of a derivation."""
    outputs = {name: change(output) for name, output in derivation["outputs"].items()}
    return {**derivation, "outputs": outputs}


def with_structured_attrs(derivation: Json) -> Json:
    """Take structured attributes out of the environment, as since Nix 2.30."""
    env = dict(derivation["env"])
    if "__json" not in env:
        return derivation
    attrs = json.loads(env.pop("__json"))
    return {**derivation, "env": env, "structuredAttrs": attrs}


def with_base_names(derivation: Json) -> Json:
    """Leave the store directory away, as since Nix 2.32."""
    return {
        **with_outputs(derivation, without_store_dir),
        "inputDrvs": {base_name(p): n for p, n in derivation["inputDrvs"].items()},
        "inputSrcs": [base_name(path) for path in derivation["inputSrcs"]],
        "version": 3,
    }


def with_nested_inputs(derivation: Json) -> Json:
    """Put all inputs into one object, as since Nix 2.33."""
    derivation = with_outputs(derivation, sri_hash)
    drvs, srcs = derivation.pop("inputDrvs"), derivation.pop("inputSrcs")
    return {**derivation, "inputs": {"drvs": drvs, "srcs": srcs}, "version": 4}


def show_derivation(derivations: Json, to: str) -> Json:
    """Convert the document of Nix 2.8 into that of the version `to`."""
    reached = SHOW_DERIVATION_VERSIONS.index(to) + 1
    steps: list[Callable[[Json], Json]] = [
        with_input_nodes,
        lambda derivation: with_outputs(derivation, split_method),
        with_structured_attrs,
        with_base_names,
        with_nested_inputs,
    ]
    converted = {}
    for path, derivation in derivations.items():
        derivation = {**derivation, "name": derivation_name(path)}
        for step in steps[:reached]:
            derivation = step(derivation)
        converted[base_name(path) if "version" in derivation else path] = derivation
    return {"derivations": converted, "version": 4} if to == "2.33" else converted


# -- nix-eval-jobs ------------------------------------------------------------


def attr_name(attr_path: list[str]) -> str:
    """Join an attribute path; a component with a dot in it is quoted."""
    return ".".join(f'"{part}"' if "." in part else part for part in attr_path)


def required_features(derivation: Json) -> list[str]:
    """Return the system features a derivation requires."""
    env = derivation["env"]
    if "__json" in env:
        return json.loads(env["__json"]).get("requiredSystemFeatures", [])
    return env.get("requiredSystemFeatures", "").split()


def eval_jobs(
    rows: list[Json], derivations: Json, errors: dict[str, str], *, inputs: bool
) -> list[Json]:
    """Make the lines of nix-eval-jobs, in the order of their attributes.

    With `inputs` as versions 2.16 to 2.25 printed them: with the inputs of each
    derivation, here without --meta. Otherwise as version 2.33 with --meta does.
    """
    lines = []
    for row in rows:
        line = {"attr": attr_name(row["attrPath"]), "attrPath": row["attrPath"]}
        if "error" in row:
            lines.append({**line, "error": errors[line["attr"]]})
            continue
        line |= {key: row[key] for key in ("name", "system", "drvPath", "outputs")}
        derivation = derivations[row["drvPath"]]
        if inputs:
            line["inputDrvs"] = derivation["inputDrvs"]
        else:
            line["meta"] = row["meta"]
            line["requiredSystemFeatures"] = required_features(derivation)
        lines.append(line)
    return sorted(lines, key=lambda line: line["attrPath"])


# -- nixpkgs' CI --------------------------------------------------------------


def outpaths(text: str) -> Json:
    """Parse the two columns of `nix-env -qaP --no-name --out-path`."""
    found = {}
    for line in text.splitlines():
        attr, outputs = line.split()
        pairs = (output.rpartition("=") for output in outputs.split(";"))
        found[attr] = {name or "out": path for name, _, path in pairs}
    return found


# -- made up ------------------------------------------------------------------

#: Versions somebody might want to update to.
UPDATES = {
    "cmake": "3.31.0",
    "curl": "8.11.1",
    "denoPackages.deno": "2.1.1",
    "glibc": "2.41",
    "hello": "2.12.2",
    "linux_6_6": "6.6.64",
    "llvmPackages.llvm": "19.1.4",
    "nginx": "1.26.3",
    "openssl": "3.4.0",
    "python312": "3.12.8",
    "python312Packages.numpy": "2.2.0",
    "python312Packages.requests": "2.32.4",
    "qt6.qtbase": "6.8.1",
    "rustc": "1.83.0",
    "sqlite": "3.47.1",
    "zlib": "1.3.2",
}

#: Minutes of what takes long, by the start of the name; the rest is quick.
SLOW = {
    "binutils-2": 6,
    "ceph": 90,
    "clang": 45,
    "cmake": 15,
    "deno-": 25,
    "ffmpeg": 12,
    "firefox-unwrapped": 80,
    "gcc-1": 55,
    "glibc": 14,
    "linux-6": 40,
    "llvm": 50,
    "nodejs": 50,
    "openblas": 20,
    "openssl": 7,
    "perl": 8,
    "python3-": 10,
    "python3.11-scipy": 18,
    "python3.12-scipy": 18,
    "python3.11-torch-": 150,
    "python3.12-torch-": 150,
    "qtbase": 22,
    "qtwebengine": 240,
    "rustc": 70,
    "rusty-v8": 60,
}


def updates(rows: list[Json]) -> list[str]:
    """Return the lines of updates.csv, with the versions of today."""
    names = {attr_name(row["attrPath"]): row.get("name", "") for row in rows}
    lines = ["attr,from,to"]
    for attr, version in UPDATES.items():
        lines.append(f"{attr},{names[attr].rpartition('-')[2]},{version}")
    return lines


def durations(derivations: Json) -> list[str]:
    """Return the lines of durations.csv: invented, and a fifth is missing."""
    built = {
        derivation_name(path)
        for path, derivation in derivations.items()
        if not any("hash" in output for output in derivation["outputs"].values())
    }
    lines = ["name,seconds"]
    for name in sorted(built):
        digest = hashlib.sha256(name.encode()).digest()
        if digest[0] % 5 == 0:
            continue
        minutes = max((m for start, m in SLOW.items() if name.startswith(start)), default=0)
        quick = 2 if "wrapper" in name or "stdenv" in name else 20
        lines.append(f"{name},{60 * minutes + quick + digest[1] % 40}")
    return lines


# -- command line -------------------------------------------------------------


def compact(value: Any) -> str:
    """Return JSON on one line."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def pretty(value: Any) -> str:
    """Return JSON with two spaces for each level."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("show-derivation", help="other versions of Nix")
    command.add_argument("--to", choices=SHOW_DERIVATION_VERSIONS, required=True)

    command = commands.add_parser("eval-jobs", help="lines of nix-eval-jobs")
    command.add_argument("--derivations", type=Path, required=True)
    command.add_argument("--errors", type=Path, required=True)
    command.add_argument("--inputs", action="store_true")

    commands.add_parser("outpaths", help="outpaths.json of nixpkgs' CI")
    commands.add_parser("updates", help="updates.csv")
    commands.add_parser("durations", help="durations.csv")

    command = commands.add_parser("relative", help="take a directory out of a text")
    command.add_argument("--root", required=True)
    return parser.parse_args()


def main() -> None:
    """Convert standard input into standard output."""
    options = parse_arguments()
    text = sys.stdin.read()
    match options.command:
        case "show-derivation":
            # One compact line since Nix 2.29.
            write = pretty if options.to in ("2.18", "2.23") else compact
            print(write(show_derivation(json.loads(text), options.to)))
        case "eval-jobs":
            derivations = json.loads(options.derivations.read_text())
            errors = json.loads(options.errors.read_text())
            rows = json.loads(text)
            for line in eval_jobs(rows, derivations, errors, inputs=options.inputs):
                print(compact(line))
        case "outpaths":
            print(pretty(outpaths(text)))
        case "updates":
            print("\n".join(updates(json.loads(text))))
        case "durations":
            print("\n".join(durations(json.loads(text))))
        case "relative":
            print(text.replace(f"{options.root}/", ""), end="")


if __name__ == "__main__":
    main()
