#!/usr/bin/env python3
"""Asks one graph tool of Python the questions of `waves`, and prints a line of JSON for each answer.

    ask.py TOOL DIR QUESTION...

DIR is what `waves-peers extract` wrote. The lines are those of `waves-peers ask`, and so are the rules of measuring.
"""

import json
import sys
import time
from array import array
from pathlib import Path

import tools

# The best of so many is told, and of more while they are quick.
REPEATS = 5
# Repeated at least so long, in seconds.
QUICK = 0.2
# What takes longer, in seconds, is not repeated.
SLOW = 10.0
# A sample grows until it takes so long, in seconds.
SAMPLED = 3.0
# A sample has at least so many items: the largest closures are most of the work.
LEAST = 256
# What would take longer for all, in seconds, is extrapolated.
WHOLE = 30.0


class Inputs:
    """The graph as plain lists in files, the same for all tools."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.__dict__.update(json.loads((self.directory / "graph.json").read_text()))

    def items(self, name):
        items = array({"u32": "I", "u64": "Q"}[name.split(".")[1]])
        items.frombytes((self.directory / name).read_bytes())
        return items

    def rows(self, name):
        items = self.items(name)
        return list(zip(items[::2], items[1::2]))


def best(answer):
    """Times one answer, and says how many times it was given."""
    start, times = time.perf_counter(), []
    while True:
        begin = time.perf_counter()
        value = answer()
        end = time.perf_counter()
        times.append(end - begin)
        if end - start > SLOW or (len(times) >= REPEATS and end - start > QUICK):
            return min(times), len(times), value


def whole(answer, digest):
    """A question with one answer, which `digest` makes comparable."""
    seconds, repeats, value = best(answer)
    return {"seconds": seconds, "repeats": repeats, "answer": digest(value)}


def each(items, sample, answer):
    """A question that is asked of `items` one by one: of all if that takes half a minute at most, else of a growing part of `sample`."""
    asked = min(len(sample), LEAST)
    while True:
        begin = time.perf_counter()
        values = answer(sample[:asked])
        seconds = time.perf_counter() - begin
        if seconds > SAMPLED or asked == len(sample):
            break
        asked = min(len(sample), 4 * asked)
    estimate = seconds * items / asked
    if estimate > WHOLE:
        return {"seconds": estimate, "sampled": asked, "answer": list(map(int, values))}
    every = range(items)
    return all_at_once(sample, lambda: answer(every))


def all_at_once(sample, answer):
    """A question that is asked of every item, all at once."""
    seconds, repeats, values = best(answer)
    return {"seconds": seconds, "repeats": repeats, "answer": [int(values[item]) for item in sample], "total": int(sum(values))}


def set_digest(nodes):
    """A set of nodes: how many, and their sum."""
    nodes = list(map(int, nodes))
    return [len(nodes), sum(nodes)]


def component_sizes(sizes):
    """The sizes of the components of more than one node."""
    return sorted(int(size) for size in sizes if size > 1)


def ask_build(tool, inputs):
    prepared = tool.prepare(inputs.nodes, inputs.rows("edges.u32"))
    return whole(lambda: tool.build(inputs.nodes, prepared), lambda _: [inputs.nodes, inputs.edges])


def ready(tool, nodes, edges):
    tool.nodes, tool.edges = nodes, edges
    tool.graph = tool.build(nodes, tool.prepare(nodes, edges))
    return tool


def ask_closure(tool, inputs):
    ready(tool, inputs.nodes, inputs.rows("edges.u32"))
    return whole(lambda: tool.closure([inputs.root]), lambda found: set_digest(tool.members(found)))


def ask_union(tool, inputs):
    roots = inputs.items("roots.u32").tolist()
    if tool.takes_many_roots:
        ready(tool, inputs.nodes, inputs.rows("edges.u32"))
        return whole(lambda: tool.closure(roots), lambda found: set_digest(tool.members(found)))
    # One node more, which all roots use.
    above = inputs.nodes
    ready(tool, above + 1, inputs.rows("edges.u32") + [(above, root) for root in roots])
    digest = lambda found: set_digest(node for node in tool.members(found) if node != above)
    return whole(lambda: tool.closure([above]), digest) | {"note": "from a node above all roots"}


def ask_sizes(tool, inputs):
    ready(tool, inputs.nodes, inputs.rows("edges.u32"))
    sample = inputs.items("sample.u32").tolist()
    if tool.all_sizes:
        return all_at_once(sample, tool.all_sizes)
    return each(inputs.nodes, sample, tool.sizes)


def ask_sums(tool, inputs):
    ready(tool, inputs.nodes, inputs.rows("edges.u32"))
    tool.weigh(inputs.items("weights.u64"))
    return each(inputs.nodes, inputs.items("sample.u32").tolist(), tool.sums)


def ask_pairs(tool, inputs):
    ready(tool, inputs.nodes, inputs.rows("edges.u32"))
    pairs = inputs.rows("pairs.u32")
    return each(len(pairs), range(len(pairs)), lambda of: [int(is_rebuilt) for is_rebuilt in tool.pairs([pairs[at] for at in of])])


def ask_levels(tool, inputs):
    ready(tool, inputs.nodes, inputs.rows("edges.u32"))
    return whole(tool.levels, lambda sizes: list(map(int, sizes)))


def ask_components(tool, inputs):
    ready(tool, inputs.packages, inputs.rows("packages.u32"))
    return whole(tool.components, component_sizes)


QUESTIONS = {
    "build": ask_build,
    "closure": ask_closure,
    "union": ask_union,
    "sizes": ask_sizes,
    "sums": ask_sums,
    "pairs": ask_pairs,
    "levels": ask_levels,
    "components": ask_components,
}

DEFAULTS = {"repeats": 1, "sampled": None, "total": None, "threads": 1, "note": ""}


def main():
    name, directory, *questions = sys.argv[1:]
    inputs = Inputs(directory)
    for question in questions:
        tool = tools.TOOLS[name]()
        how = tool.how.get(question)
        if how is None:
            continue
        row = DEFAULTS | {"tool": how, "question": question, "threads": tool.threads(question)} | QUESTIONS[question](tool, inputs)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
