#!/usr/bin/env python3
"""Runs the fuzzers, always the one that had the least time so far, and adds up what they did in figures.csv.

    fuzz/run.py                          until each target had an hour in all, in turns of ten minutes
    fuzz/run.py --until 7200 names       until one had two
    fuzz/run.py --jobs 2                 the same, two at a time
    fuzz/run.py --table                  what they did so far, as a table

Needs cargo-fuzz. What is found is put into found/, which git does not have. At the end of a turn, of the inputs that fuzzers found the
corpus has the fewest that reach all that any did; those with a name of their own stay. An input that is too much ends the turns of
its target, which is told: it is in artifacts/. Times are of the processor, but that of a turn. A turn that is stopped counts for nothing.
"""

import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIGURES = HERE / "figures.csv"
KEYS = ["target", "cpu_seconds", "executions", "edges", "inputs", "crashes"]
# A longer input finds little that a shorter one does not, and stays in the repository.
LONGEST = 4096
# Snapshots are longer from the start.
LONGER = {"snapshot": 1 << 16, "history": 1 << 14, "archive": 1 << 14}


def targets():
    names = re.findall(r'^name = "(.*)"$', (HERE / "Cargo.toml").read_text(), re.MULTILINE)
    return names[1:]


def read():
    rows = {name: dict.fromkeys(KEYS[1:], 0) | {"target": name} for name in targets()}
    if FIGURES.exists():
        with FIGURES.open(newline="") as file:
            for row in csv.DictReader(file):
                rows[row["target"]] = {key: row[key] if key == "target" else int(row[key]) for key in KEYS}
    return rows


def write(rows):
    with FIGURES.open("w", newline="") as file:
        writer = csv.DictWriter(file, KEYS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[name] for name in sorted(rows))


def build():
    subprocess.run(["cargo", "fuzz", "build", "--sanitizer", "none"], cwd=HERE, check=True)
    host = re.search(r"host: (\S+)", subprocess.check_output(["rustc", "-vV"], text=True))[1]
    return HERE / "target" / host / "release"


def fuzz(programs, target, directories, *options):
    """Runs a target; its exit code, what it said, and its time on the processor."""
    artifacts = HERE / "artifacts" / target
    artifacts.mkdir(parents=True, exist_ok=True)
    command = [programs / target, f"-artifact_prefix={artifacts}/", f"-max_len={LONGER.get(target, LONGEST)}", *options, *directories]
    with tempfile.TemporaryFile() as said:
        running = subprocess.Popen(list(map(str, command)), cwd=HERE, stdout=subprocess.DEVNULL, stderr=said)
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return running.returncode, said.read().decode(errors="replace"), used.ru_utime + used.ru_stime


def turn(programs, row, seconds):
    """Gives a target so many seconds, adds what is new to its corpus, and what it did to its row."""
    target = row["target"]
    found, corpus = HERE / "found" / target, HERE / "corpus" / target
    found.mkdir(parents=True, exist_ok=True)
    code, said, spent = fuzz(programs, target, [found, corpus], f"-max_total_time={seconds}", "-print_final_stats=1", "-timeout=20")
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", said)
    row["cpu_seconds"] += round(spent)
    row["executions"] += int(executed[1]) if executed else 0
    row["crashes"] += code != 0
    if code != 0:
        print(said[-4000:], file=sys.stderr)
        print(f"run.py: {target} ended with {code}: see {HERE / 'artifacts' / target}", file=sys.stderr)
    row["edges"] = minimise(programs, target, found, corpus)
    row["inputs"] = len(list(corpus.iterdir()))


def minimise(programs, target, found, corpus):
    """Leaves as few inputs in the corpus as reach all that any input did; how many edges of the program that is."""
    is_named = lambda path: not re.fullmatch("[0-9a-f]{40}", path.name)
    for path in corpus.iterdir():
        if not is_named(path):
            shutil.move(path, found / path.name)
    named = {path.read_bytes() for path in corpus.iterdir()}
    with tempfile.TemporaryDirectory() as fewest:
        code, said, _ = fuzz(programs, target, [fewest, corpus, found], "-set_cover_merge=1", "-use_counters=0")
        reached = re.search(r"MERGE-OUTER: \d+ new files with (\d+) new features added", said)
        if code != 0 or not reached:
            sys.exit(f"{said[-2000:]}\nrun.py: the corpus of {target} was not made small")
        for path in Path(fewest).iterdir():
            if path.read_bytes() not in named:
                shutil.copy(path, corpus / path.name)
    return int(reached[1])


def run(programs, rows, asked, until, seconds, jobs):
    """Takes turns until each target that was asked for had its time, so many at once, and writes the figures after each."""
    lock = threading.Lock()
    waiting = list(asked)

    def work():
        while True:
            with lock:
                waiting.sort(key=lambda name: rows[name]["cpu_seconds"])
                if not waiting or rows[waiting[0]]["cpu_seconds"] >= until:
                    return
                before = rows[waiting.pop(0)]
            after = dict(before)
            # A turn ends by the clock, and what is missing is of the processor: a little more.
            turn(programs, after, min(seconds, until - before["cpu_seconds"] + 10))
            with lock:
                rows[after["target"]] = after
                write(rows)
                if after["crashes"] == before["crashes"]:
                    waiting.append(after["target"])

    with ThreadPoolExecutor(jobs) as pool:
        for worker in [pool.submit(work) for _ in range(jobs)]:
            worker.result()


def table(rows):
    print("| reader | CPU | executions | edges | inputs | crashes |\n|---|--:|--:|--:|--:|--:|")
    for name in sorted(rows):
        row = rows[name]
        minutes, seconds = divmod(row["cpu_seconds"], 60)
        print(f"| `{name}` | {minutes} m {seconds} s | {row['executions']:,} | {row['edges']:,} | {row['inputs']:,} | {row['crashes']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="*", help="all by default")
    parser.add_argument("--until", type=int, default=3600, help="seconds of the processor that each target is to have in all")
    parser.add_argument("--seconds", type=int, default=600, help="of a turn, or what is missing if that is less")
    parser.add_argument("--jobs", type=int, default=1, help="turns at once")
    parser.add_argument("--table", action="store_true", help="print what was done so far, and run nothing")
    args = parser.parse_args()
    rows = read()
    if args.table:
        return table(rows)
    unknown = set(args.target) - set(rows)
    if unknown:
        sys.exit(f"run.py: no target {', '.join(sorted(unknown))}; there are {', '.join(rows)}")
    run(build(), rows, args.target or rows, args.until, args.seconds, args.jobs)
    return table(rows)


main()
