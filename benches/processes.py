#!/usr/bin/env python3
"""What whole processes of `waves` take on an evaluation: time of the clock, and peak memory as a multiple of the snapshot.

    benches/processes.py          the evaluation in $WAVES_NIXPKGS_DATA, else ../shared/data/nixpkgs-24.11
    benches/processes.py DIR      the evaluation in DIR

Builds `waves` for release, imports the evaluation, and prints a table of Markdown. The best of five runs is told, of an import that of two.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
MIB = 1 << 20


def run(command, output):
    """Seconds, and bytes at the peak."""
    begin = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)), stdout=output, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    # A limit that is exceeded is an answer.
    if process.returncode not in (0, 1):
        sys.exit(f"processes.py: {' '.join(map(str, command))} ended with {process.returncode}")
    return seconds, usage.ru_maxrss * 1024


def said(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def main():
    default = os.environ.get("WAVES_NIXPKGS_DATA") or REPOSITORY / "../shared/data/nixpkgs-24.11"
    data = Path(sys.argv[1] if len(sys.argv) > 1 else default).resolve()
    if not (data / "derivations.json.zst").is_file():
        sys.exit(f"processes.py: there is no evaluation in {data}")
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "waves"], cwd=REPOSITORY, check=True)
    waves = TARGET / "release/waves"
    durations = ["--durations", data / "durations-synthetic.csv"]
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        # How it is shown, how often it is run, and what keeps what it says.
        plan = ["plan", "--updates", data / "updates-200.csv", *durations]
        commands = [
            ("`zstd -dc` of the derivations", 2, ["zstd", "-dc", "--long=27", data / "derivations.json.zst"], None),
            ("import of derivations and attributes", 2,
             [waves, "import", data / "derivations.json.zst", data / "eval-jobs.jsonl.zst", "-o", "graph.waves"], None),
            ("impact --root glibc", 5, ["impact", "--root", "glibc"], None),
            ("impact --root hello", 5, ["impact", "--root", "hello"], None),
            ("why glibc python312Packages.torch", 5, ["why", "glibc", "python312Packages.torch"], None),
            ("rank", 5, ["rank"], None),
            ("rank --sort hours, with build times", 5, ["rank", "--sort", "hours", *durations], None),
            ("plan --root glibc", 5, ["plan", "--root", "glibc"], None),
            ("plan --updates of 200, with build times", 5, [*plan, "--format", "json"], "plan.json"),
            ("the same with --builders 100", 5, [*plan, "--builders", "100"], None),
            ("plan --updates of 5,000", 5, ["plan", "--updates", data / "updates-5000.csv", "--format", "json"], "large.json"),
            ("verify of that plan", 5, ["verify", "large.json"], None),
            ("explain python312Packages.torch in that plan", 5, ["explain", "python312Packages.torch", "--plan", "large.json"], None),
            ("tests --root openssl --budget 3h", 5, ["tests", "--root", "openssl", "--budget", "3h", *durations], None),
            ("security --root openssl, in the plan of 200", 5,
             ["security", "--root", "openssl", "--plan", "plan.json", "--at", "wave-1.4", *durations], None),
            ("groups", 5, ["groups"], None),
            ("check --root openssl", 5, ["check", "--root", "openssl"], None),
            ("notify --root openssl", 5, ["notify", "--root", "openssl"], None),
        ]
        print("| command | time | peak memory | times the snapshot |\n|---|--:|--:|--:|")
        for name, times, command, keep in commands:
            if not isinstance(command[0], Path) and command[0] != "zstd":
                command = [waves, command[0], "--graph", "graph.waves", *command[1:]]
            with open(keep or os.devnull, "wb") as output:
                runs = [run(command, output)]
            runs += [run(command, subprocess.DEVNULL) for _ in range(times - 1)]
            snapshot = Path("graph.waves")
            multiple = f"{max(run[1] for run in runs) / snapshot.stat().st_size:.1f}" if snapshot.exists() else "–"
            peak = f"{max(run[1] for run in runs) / MIB:.0f} MiB"
            print(f"| {name} | {said(min(run[0] for run in runs))} | {peak} | {multiple} |", flush=True)


main()
