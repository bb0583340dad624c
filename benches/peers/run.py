#!/usr/bin/env python3
"""Asks `waves` and its peers the same questions of the same graph, checks that they agree, and prints a table of what they took.

    benches/peers/run.py                  the evaluation in $WAVES_NIXPKGS_DATA, else ../shared/data/nixpkgs-24.11, else data/dumps
    benches/peers/run.py DIR              the evaluation in DIR
    benches/peers/run.py --quick          data/dumps, with the peers that need next to no installation

Needs cargo, python3 with venv, nix, jq and zstd. Libraries of Python come from PyPI, into target/peers; graph-tool is not there, and is
asked if the system's Python has it (Debian: python3-graph-tool). Edges run from a derivation to what it rebuilds, so nothing leads to a fixed output. Each
tool answers each question in a process of its own, whose peak memory is told. Ends with 1 if two tools disagree,
or a question is not answered by both `waves` and another.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path

import nix_store
import table

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
WORK = TARGET / "peers"

# The best of so many is told; what takes longer than so many seconds is not repeated.
REPEATS = 5
SLOW = 10
# Nobody is waited for longer, in seconds.
PATIENCE = 600

# The root of the closures that are asked for: below nearly everything.
ROOT = "glibc"

LISTS = ["build", "closure", "union", "sizes", "sums", "pairs", "levels", "components"]
RUST = ["waves", "petgraph", "tred", "naive"]
# Each with the module that it needs, and where it comes from.
PYTHON = {
    "networkx": "networkx",
    "rustworkx": "rustworkx",
    "igraph": "igraph",
    "networkit": "networkit",
    "scipy": "scipy",
    "graphblas": "graphblas",
    "sqlite": "sqlite3",
    "duckdb": "duckdb",
}
SYSTEM_PYTHON = "/usr/bin/python3"


class Data:
    """The dumps of an evaluation, and of another one to compare with; and a directory for what is made of them."""

    def __init__(self, work, directory, derivations, attributes, durations, after):
        self.work = WORK / work
        self.derivations = directory / derivations
        self.attributes = directory / attributes
        self.durations = directory / durations
        self.after = directory / after

    def is_there(self):
        return all(path.is_file() for path in (self.derivations, self.attributes, self.durations, self.after))

    @classmethod
    def find(cls, directory, quick):
        files = ("derivations.json", "eval-jobs.jsonl", "durations.csv", "update/eval-jobs.jsonl")
        own = cls("data", REPOSITORY / "data/dumps", *files)
        default = os.environ.get("WAVES_NIXPKGS_DATA") or REPOSITORY / "../shared/data/nixpkgs-24.11"
        files = ("derivations.json.zst", "eval-jobs.jsonl.zst", "durations-synthetic.csv", "cuda-eval-jobs.jsonl.zst")
        real = cls("nixpkgs", Path(directory or default).resolve(), *files)
        if quick or (not directory and not real.is_there()):
            return own
        if not real.is_there():
            sys.exit(f"run.py: {directory} lacks one of {', '.join(files)}")
        return real


def say(text, end="\n"):
    print(text, file=sys.stderr, end=end, flush=True)


class Finished:
    """What a process said, how long it took in seconds, and its peak memory in bytes."""

    def __init__(self, command, environment=None, check=True):
        with tempfile.TemporaryFile() as output:
            begin = time.perf_counter()
            process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, start_new_session=True)
            timer = threading.Timer(PATIENCE, os.killpg, (process.pid, 9))
            timer.start()
            _, status, usage = os.wait4(process.pid, 0)
            timer.cancel()
            self.seconds = time.perf_counter() - begin
            # Of the largest, if it started others.
            self.peak = usage.ru_maxrss * 1024
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            self.output = output.read().decode()
        self.code = process.returncode
        # The system kills too, for want of memory: that is a failure.
        self.is_stopped = self.code == -9 and self.seconds >= PATIENCE
        if check and self.code != 0:
            sys.exit(f"run.py: {' '.join(map(str, command))} failed with {self.code}")


def row(tool, question, finished, repeats, answer, note=""):
    """A line of the table that is a whole process."""
    defaults = {"sampled": None, "total": None, "threads": 1}
    measured = {"seconds": finished.seconds, "peak": finished.peak, "repeats": repeats}
    return defaults | measured | {"tool": tool, "question": question, "answer": answer, "note": note}


def best(tool, question, answer, command, environment=None, note=""):
    """A whole process, the best of some; `answer` reads what it said."""
    say(f"  {question}: {tool}")
    runs, start = [], time.perf_counter()
    while not runs or (len(runs) < REPEATS and time.perf_counter() - start < SLOW):
        runs.append(Finished(command, environment))
    quickest = min(runs, key=lambda run: run.seconds)
    return row(tool, question, quickest, len(runs), answer(quickest.output), note)


def build(quick):
    """The programs of Rust; in a hurry as CI has built them already, among all targets and with the profile of tests."""
    what = ["--profile", "test", "--workspace", "--all-targets"] if quick else ["--release", "-p", "waves", "-p", "waves-peers"]
    subprocess.run(["cargo", "build", "--locked", "--quiet", *what], cwd=REPOSITORY, check=True)
    directory = TARGET / ("debug" if quick else "release")
    return directory / "waves", directory / "waves-peers"


def install(quick):
    """A Python with the peers, in target/peers; in a hurry with networkx alone, or with none."""
    directory = WORK / "venv"
    python = directory / "bin/python"
    requirements = HERE / "requirements.txt"
    wanted = ["networkx", "--constraint", requirements] if quick else ["--requirement", requirements]
    if quick and has(python, "networkx", own_environment()):
        return python
    # Who is in a hurry does not wait for a registry that is out of reach.
    patience = ["--retries", "0", "--timeout", "15"] if quick else []
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *patience, *wanted]
    commands = ([] if python.exists() else [[sys.executable, "-m", "venv", directory]]) + [install]
    for command in commands:
        if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL if quick else None, check=False).returncode != 0:
            if not quick:
                sys.exit("run.py: no virtual environment (hint: Debian has venv in python3-venv; PyPI must be within reach)")
            return Path(sys.executable)
    return python


def has(python, module, environment):
    command = [python, "-c", f"import {module}"]
    return Path(python).exists() and subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0


def own_environment():
    """Without what the system's Python may need, which is of another version."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")}


def askers(peers, python, quick):
    """The command that asks each tool, and its environment; and who cannot be asked."""
    own = own_environment()
    commands = {tool: ([peers, "ask", tool], None) for tool in RUST}
    ask, missing = HERE / "ask.py", []
    for tool in ("networkx", "sqlite") if quick else PYTHON:
        if has(python, PYTHON[tool], own):
            commands[tool] = ([python, ask, tool], own)
        else:
            missing.append(f"{tool}, which could not be installed")
    if not quick and has(SYSTEM_PYTHON, "graph_tool", os.environ):
        commands["graph-tool"] = ([SYSTEM_PYTHON, ask, "graph-tool"], dict(os.environ))
    elif not quick:
        missing.append("graph-tool, which is not on PyPI (Debian: python3-graph-tool)")
    return commands, missing


def ask(tool, command, environment, lists, questions):
    """The lines of a process that answers some questions."""
    say(f"  {', '.join(questions)}: {tool}")
    finished = Finished([*command, lists, *questions], environment, check=False)
    rows = [json.loads(line) | {"peak": finished.peak} for line in finished.output.splitlines()]
    if finished.code != 0:
        why = f"stopped after {PATIENCE} s" if finished.is_stopped else f"failed with {finished.code}"
        say(f"  {tool} {why}")
        unanswered = {"seconds": None, "peak": 0, "note": why, "sampled": None, "total": None, "answer": []}
        rows.append({"tool": tool, "question": questions[-1], "has_failed": not finished.is_stopped} | unanswered)
    return rows


def prepare(waves, peers, data):
    """The snapshot, and the graph as lists; the first is a line of the table."""
    snapshot, lists = data.work / "graph.waves", data.work / "lists"
    lists.mkdir(parents=True, exist_ok=True)
    command = [waves, "import", "--quiet", "--output", snapshot, data.derivations]
    imported = best("`waves import`", "load", lambda _: [], command, note="and hashes recipes, joins, counts, writes")
    Finished([waves, "import", "--quiet", "--output", snapshot, data.derivations, data.attributes])
    Finished([peers, "extract", snapshot, ROOT, data.durations, lists])
    summary = json.loads((lists / "graph.json").read_text())
    imported["answer"] = [summary["nodes"], summary["inputs"], summary["edges"]]
    imported["threads"] = os.cpu_count()
    return snapshot, lists, summary, imported


def ask_lists(commands, lists, wanted, quick):
    """Questions of the lists, of every tool: each in a process of its own, but for who is in a hurry."""
    rows = []
    for questions in [wanted] if quick else [[question] for question in wanted]:
        for tool, (command, environment) in commands.items():
            rows += ask(tool, command, environment, lists, questions)
    return rows


def decompressed(dump):
    return f"zstd -dc --long=31 '{dump}'" if dump.suffix == ".zst" else f"cat '{dump}'"


def load(peers, python, data):
    """From the dump to edges."""
    script = [HERE / "load.py"]
    rows = [
        best("`serde_json::Value`", "load", json.loads, [peers, "load", data.derivations]),
        best("Python's json", "load", json.loads, [python, *script, "json", data.derivations]),
        best("jq", "load", json.loads, ["sh", "-c", f"{decompressed(data.derivations)} | jq -cf '{HERE}/load.jq'"], note="counts only"),
    ]
    if has(python, "orjson", own_environment()):
        rows.append(best("orjson", "load", json.loads, [python, *script, "orjson", data.derivations], own_environment()))
    return rows


def impact(waves, snapshot, summary, data):
    """What one derivation rebuilds, from the shell."""
    root = summary["root_path"]
    store = data.work / f"store-{summary['digest']}"
    if not (store / "complete").exists():
        say("  a private store with all derivations, which takes minutes")
        Finished([sys.executable, HERE / "nix_store.py", data.derivations, store])
        (store / "complete").touch()
    count = lambda output: [json.loads(output)["rebuilds"]["derivations"]]
    ours = [waves, "impact", "--exact", "--root", root, "--graph", snapshot, "--format", "json", "--limit", "1"]
    theirs = ["nix-store", "--query", "--referrers-closure", root]
    environment = nix_store.environment(store)
    return [
        best("`waves impact`", "impact", count, ours),
        best("`nix-store --query --referrers-closure`", "impact", lambda output: [len(output.splitlines())], theirs, environment),
    ]


def diff(waves, data):
    """The comparison of nixpkgs' CI, from paths alone."""
    files = [data.work / "before.json", data.work / "after.json"]
    for dump, file in zip((data.attributes, data.after), files):
        file.write_text(Finished(["sh", "-c", f"{decompressed(dump)} | jq -cnf '{HERE}/outpaths.jq'"]).output)
    snapshots = [file.with_suffix(".waves") for file in files]
    for file, snapshot in zip(files, snapshots):
        Finished([waves, "import", "--quiet", "--output", snapshot, file])
    rules = REPOSITORY / "tests/check/changed-paths.jq"
    join = "jq -cs '{before: .[0], after: .[1]}'"
    theirs = ["sh", "-c", f"{join} '{files[0]}' '{files[1]}' | jq -f '{rules}'"]
    ours = [waves, "diff", "--format", "changed-paths"]
    return [
        best("`waves diff` of two snapshots", "diff", paths_digest, [*ours, *snapshots]),
        best("`waves diff` of the files", "diff", paths_digest, [*ours, *files]),
        best("jq", "diff", paths_digest, theirs, note="the rules of nixpkgs' CI"),
    ]


def paths_digest(output):
    """All of changed-paths.json, whatever the order of its keys."""
    paths = json.loads(output)
    counts = [len(paths["attrdiff"][what]) for what in ("added", "changed", "removed")]
    return [*counts, zlib.crc32(json.dumps(paths, sort_keys=True).encode())]


def versions(python):
    """What was compared, as far as it says so itself."""
    lock = (REPOSITORY / "Cargo.lock").read_text()
    petgraph = lock.split('name = "petgraph"\nversion = "')[1].split('"')[0]
    freeze = subprocess.run([python, "-m", "pip", "freeze"], env=own_environment(), capture_output=True, text=True, check=False).stdout
    wanted = {name.lower() for name in (*PYTHON.values(), "suitesparse-graphblas", "orjson", "numpy")}
    installed = [line.replace("==", " ") for line in freeze.splitlines() if line.split("==")[0].lower() in wanted]
    tools = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() for command in (["nix", "--version"], ["jq", "--version"])]
    return ", ".join([f"petgraph {petgraph}", *installed, *tools])


def machine():
    """The processor, its cores and the memory."""
    models = [line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{models[0] if models else 'unknown'}, {os.cpu_count()} cores, {memory:.0f} GiB"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", metavar="DIR", help="an evaluation of nixpkgs")
    parser.add_argument("--question", action="append", choices=table.TITLES, help="only this one; may be repeated")
    parser.add_argument("--quick", action="store_true", help="the package set in data/, and the peers that need no installation")
    options = parser.parse_args()

    data = Data.find(options.data, options.quick)
    data.work.mkdir(parents=True, exist_ok=True)
    say("programs")
    waves, peers = build(options.quick)
    python = install(options.quick)
    commands, missing = askers(peers, python, options.quick)
    say("".join(f"skipped: {tool}\n" for tool in missing), end="")
    say("questions")
    snapshot, lists, summary, imported = prepare(waves, peers, data)
    wanted = options.question or list(table.TITLES)
    rows = ask_lists(commands, lists, [question for question in LISTS if question in wanted], options.quick)
    if "load" in wanted:
        rows += [imported, *load(peers, python, data)]
    if "impact" in wanted:
        rows += impact(waves, snapshot, summary, data)
    if "diff" in wanted:
        rows += diff(waves, data)

    found = table.disagreements(rows, wanted)
    if found:
        sys.exit("\n".join(["run.py: there is no table, for the tools do not agree", *found]))
    items = {"sizes": summary["nodes"], "sums": summary["nodes"], "pairs": 10_000}
    print(table.markdown(rows, items))
    print(f"\n{summary['nodes']:,} derivations, {summary['inputs']:,} inputs, {summary['edges']:,} edges that rebuild. {machine()}. {versions(python)}.")
    if missing:
        print(f"\nNot asked: {'; '.join(missing)}.")
    failed = [f"{row['tool']} at {table.TITLES[row['question']]}" for row in rows if row.get("has_failed")]
    if failed:
        sys.exit(f"run.py: failed: {', '.join(failed)}")
    for question, tool, ratio in [] if options.quick else table.losses(rows):
        say(f"quicker than waves: {tool} at {table.TITLES[question]}, {ratio:.2f} of its time")


if __name__ == "__main__":
    main()
