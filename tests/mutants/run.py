#!/usr/bin/env python3
"""Asks the tests about every mutant that `cargo mutants --list` names, and writes what they said to results.csv.

    tests/mutants/run.py               those that results.csv has no answer for
    tests/mutants/run.py --again alive those that lived, or were out of time, once more
    tests/mutants/run.py --table       what was found so far

Needs cargo-mutants, for the list alone: it would build the program once for each mutant. Here all are built into one, in a worktree of its own:
a function is a choice among its bodies, and WAVES_MUTANT is which of them counts. Each test runs once to see which functions it calls; a mutant
is then shown to the tests that call its function, the quickest first, until one fails. A limit of the processor's time ends those that never do.

Left to cargo-mutants itself, and listed as such: constants, and functions that return `impl Trait` other than an iterator.
"""

import argparse
import csv
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE / "results.csv"
KEYS = ["mutant", "outcome", "test"]
PACKAGE = "crates/core"
TESTS = ["--lib", "--test", "properties", "--test", "formats"]
GIGABYTE = 1 << 30

# What a function asks: which mutant is switched on, if any. It notes who asked, when the tests are asked what they call.
SWITCH = """
use std::{fs::File, io::Write, sync::{LazyLock, Mutex, atomic::{AtomicBool, Ordering}}};
static ACTIVE: LazyLock<u32> = LazyLock::new(|| std::env::var("WAVES_MUTANT").map_or(0, |id| id.parse().expect("a number")));
static CALLS: LazyLock<Option<Mutex<File>>> =
    LazyLock::new(|| std::env::var_os("WAVES_CALLS").map(|path| Mutex::new(File::create(path).expect("a file"))));
static CALLED: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];
pub(crate) fn active(function: usize) -> u32 {
    if let Some(calls) = &*CALLS && !CALLED[function].swap(true, Ordering::Relaxed) {
        writeln!(calls.lock().expect("a lock"), "{function}").expect("room");
    }
    *ACTIVE
}
"""


class Source:
    """A file, and where its lines begin: spans count lines and characters from one."""

    def __init__(self, path):
        self.text = path.read_text()
        self.starts = [0]
        for line in self.text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def range(self, span):
        return tuple(self.starts[span[end]["line"] - 1] + span[end]["column"] - 1 for end in ("start", "end"))


def listed(tree):
    """All mutants, each with a number from one."""
    mutants = json.loads(subprocess.check_output(["cargo", "mutants", "--list", "--json", "-p", "waves-core"], cwd=tree))
    for number, mutant in enumerate(mutants, 1):
        mutant["id"] = number
        returns = mutant["function"] and (mutant["function"]["return_type"] or "")
        mutant["woven"] = bool(mutant["function"]) and ("impl " not in returns or bool(re.fullmatch(r"-> impl Iterator<.*>", returns)))
    return mutants


def functions_of(sources, mutants):
    """The mutants of each function, which is a range of a file; of one within another, they are the outer one's."""
    ranges = sorted({(mutant["file"], *sources[mutant["file"]].range(mutant["function"]["span"])) for mutant in mutants},
                    key=lambda range: (range[0], range[1], -range[2]))
    outer = []
    for file, start, end in ranges:
        if not (outer and outer[-1][0] == file and end <= outer[-1][2]):
            outer.append((file, start, end))
    of = defaultdict(list)
    for mutant in mutants:
        start, end = sources[mutant["file"]].range(mutant["span"])
        of[next(range for range in outer if range[0] == mutant["file"] and range[1] <= start and end <= range[2])].append(mutant)
    return of


def weave(sources, functions, tree):
    """Writes the files with the mutants; which lines are whose."""
    edits, lines = defaultdict(list), {}
    for number, ((file, start, end), mutants) in enumerate(functions):
        source = sources[file]
        body = source.text.index("{", start)
        head = source.text[start:body]
        # Bodies have one type.
        lifetime = "'_" if "&self" in head or "'g" not in head + mutants[0]["function"]["function_name"] else "'g"
        boxed = re.sub(r"-> impl (Iterator<.*>) $", rf"-> Box<dyn \1 + {lifetime}> ", head)
        begin, close = ("Box::new(", ")") if boxed != head else ("", "")
        arms = [f"{boxed}{{ match crate::mutant::active({number}) {{\n"]
        for mutant in mutants:
            first, last = source.range(mutant["span"])
            mutated = source.text[body:first] + mutant["replacement"] + source.text[last:end]
            arms.append((mutant["id"], f"{mutant['id']} => {begin}{mutated}{close},\n"))
        arms.append(f"_ => {begin}{source.text[body:end]}{close},\n}} }}")
        edits[file].append((start, end, arms))
    for file, source in sources.items():
        out, at, line = [], 0, 1

        def put(text):
            nonlocal line
            out.append(text)
            line += text.count("\n")

        for start, end, arms in sorted(edits[file], key=lambda edit: edit[0]):
            put(source.text[at:start])
            for arm in arms:
                first = line
                put(arm if isinstance(arm, str) else arm[1])
                if not isinstance(arm, str):
                    lines.update(((file, number), arm[0]) for number in range(first, line))
            at = end
        put(source.text[at:])
        (tree / file).write_text("".join(out))
    (tree / PACKAGE / "src/mutant.rs").write_text(SWITCH.replace("COUNT", str(len(functions))))
    return lines


def places(span):
    while span:
        yield span["file_name"], span["line_start"]
        span = (span["expansion"] or {}).get("span")


def cargo(tree, command):
    environment = os.environ | {"RUSTFLAGS": "--cap-lints=allow", "CARGO_INCREMENTAL": "1", "CARGO_TARGET_DIR": str(tree / "target")}
    done = subprocess.run(["cargo", *command, "-p", "waves-core", "--message-format=json"], cwd=tree, env=environment, capture_output=True, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done, messages


def build(tree, mutants):
    """Builds the tests with all mutants that compile, marks those that do not, and returns the programs and the functions."""
    sources = {file: Source(tree / file) for file in {mutant["file"] for mutant in mutants}}
    with (tree / PACKAGE / "src/lib.rs").open("a") as library:
        library.write("\nmod mutant;\n")
    woven = [mutant for mutant in mutants if mutant["woven"]]
    while True:
        functions = list(functions_of(sources, [mutant for mutant in woven if "outcome" not in mutant]).items())
        lines = weave(sources, functions, tree)
        done, messages = cargo(tree, ["check", "--lib", "--profile", "test"])
        if done.returncode == 0:
            break
        errors = [message["message"] for message in messages if message.get("reason") == "compiler-message" and message["message"]["level"] == "error"]
        guilty = {lines[place] for error in errors for span in error["spans"] for place in places(span) if place in lines and span["is_primary"]}
        if not guilty:
            sys.exit("\n".join(error["rendered"] for error in errors) + done.stderr + "\nrun.py: no mutant is to blame for this")
        print(f"{len(guilty)} do not compile", flush=True)
        for mutant in woven:
            if mutant["id"] in guilty:
                mutant["outcome"] = "unviable"
    done, messages = cargo(tree, ["test", "--no-run", *TESTS])
    if done.returncode != 0:
        sys.exit(done.stderr)
    return [message["executable"] for message in messages if message.get("executable")], functions


def limits(seconds):
    def set_limits():
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        resource.setrlimit(resource.RLIMIT_AS, (8 * GIGABYTE, 8 * GIGABYTE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return set_limits


def ask(tree, test, seconds, **variables):
    """One test with a mutant: whether it passed, failed, or was out of time; and its seconds of the processor."""
    program, name = test
    environment = os.environ | {"PROPTEST_MAX_SHRINK_ITERS": "0", "CARGO_MANIFEST_DIR": str(tree / PACKAGE)} | variables
    process = subprocess.Popen([program, "--exact", name, "--test-threads=1"], cwd=tree / PACKAGE, env=environment, start_new_session=True,
                               preexec_fn=limits(seconds), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Who sleeps uses no processor.
    timer = threading.Timer(60 + 10 * seconds, process.kill)
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    timer.cancel()
    if process.returncode == 0:
        outcome = "passed"
    else:
        outcome = "timeout" if process.returncode in (-9, -24) else "failed"
    return outcome, usage.ru_utime + usage.ru_stime


def called_by(tree, programs, jobs):
    """What each test takes, and the functions that it calls."""
    tests = [(program, line.removesuffix(": test"))
             for program in programs
             for line in subprocess.check_output([program, "--list", "--format=terse"], cwd=tree / PACKAGE, text=True).splitlines()
             if line.endswith(": test")]

    def one(test):
        with tempfile.NamedTemporaryFile() as calls:
            outcome, seconds = ask(tree, test, 3600, WAVES_CALLS=calls.name)
            if outcome != "passed":
                sys.exit(f"run.py: {test[1]} fails without a mutant")
            return test, seconds, {int(line) for line in Path(calls.name).read_text().split()}

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, tests))


def read():
    if not RESULTS.exists():
        return {}
    with RESULTS.open(newline="") as file:
        return {row["mutant"]: row for row in csv.DictReader(file)}


def write(results):
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, KEYS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(results[name] for name in sorted(results))


def run(tree, mutants, results, jobs):
    programs, functions = build(tree, mutants)
    for mutant in mutants:
        if "outcome" in mutant:
            results[mutant["name"]] = {"mutant": mutant["name"], "outcome": mutant["outcome"], "test": ""}
        elif not mutant["woven"] and mutant["name"] not in results:
            results[mutant["name"]] = {"mutant": mutant["name"], "outcome": "left", "test": ""}
    write(results)
    tests = called_by(tree, programs, jobs)
    print(f"{len(tests)} tests take {sum(seconds for _, seconds, _ in tests):.0f} s", flush=True)
    lock = threading.Lock()

    def one(job):
        number, mutants = job
        callers = [(test, seconds) for test, seconds, calls in tests if number in calls]
        kills = Counter()
        for mutant in mutants:
            if mutant["name"] in results:
                continue
            outcome, by = "alive", ""
            for test, seconds in sorted(callers, key=lambda caller: (-kills[caller[0]], caller[1])):
                said, _ = ask(tree, test, int(20 + 10 * seconds), WAVES_MUTANT=str(mutant["id"]))
                if said != "passed":
                    outcome, by = ("caught" if said == "failed" else "timeout"), test[1]
                    kills[test] += 1
                    break
            with lock:
                results[mutant["name"]] = {"mutant": mutant["name"], "outcome": outcome, "test": by}
                write(results)
                if outcome != "caught":
                    print(f"{time.strftime('%X')} {outcome}: {mutant['name']} ({len(callers)} tests) {by}", flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, enumerate(mutants for _, mutants in functions)))


def table(results):
    outcomes = ["caught", "timeout", "alive", "unviable", "left"]
    counts = defaultdict(Counter)
    for name, row in results.items():
        counts[re.match(r"crates/core/src/(\w+)/", name)[1]][row["outcome"]] += 1
    print(f"| module | mutants | {' | '.join(outcomes)} |\n|---|{'--:|' * (1 + len(outcomes))}")
    for module in sorted(counts):
        print(f"| `{module}` | {counts[module].total()} | {' | '.join(str(counts[module][outcome]) for outcome in outcomes)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", nargs="+", default=[], metavar="OUTCOME", help="ask again about those with this outcome")
    parser.add_argument("--only", default="", metavar="REGEX", help="of the mutants whose names match")
    parser.add_argument("--jobs", type=int, default=2, help="tests at once")
    parser.add_argument("--tree", type=Path, help="a worktree to build in, made anew by default")
    parser.add_argument("--table", action="store_true", help="print what was found so far, and ask nothing")
    args = parser.parse_args()
    results = read()
    if args.table:
        return table(results)
    tree = args.tree or Path(tempfile.mkdtemp()) / "waves"
    if not tree.exists():
        subprocess.run(["git", "worktree", "add", "--detach", tree, "HEAD"], cwd=ROOT, check=True)
    subprocess.run(["git", "checkout", "--quiet", "--", "."], cwd=tree, check=True)
    mutants = listed(tree)
    names = {mutant["name"] for mutant in mutants}
    results = {name: row for name, row in results.items() if name in names and row["outcome"] not in args.again}
    for mutant in mutants:
        if results.get(mutant["name"], {}).get("outcome") == "unviable":
            mutant["outcome"] = "unviable"
    mutants = [mutant for mutant in mutants if re.search(args.only, mutant["name"])]
    run(tree, mutants, results, args.jobs)
    return table(results)


if __name__ == "__main__":
    main()
