"""Whether all tools agree, and the table of what they took."""

# In the order of the table.
TITLES = {
    "closure": "what one derivation rebuilds",
    "union": "what thousands of derivations rebuild together",
    "sizes": "how many derivations each derivation rebuilds",
    "sums": "how many hours each derivation rebuilds",
    "pairs": "is one derivation rebuilt by another, 10,000 times",
    "levels": "levels, as long as the longest path",
    "components": "packages that need each other",
    "build": "from edges in memory to a graph",
    "load": "from a dump to edges, whole process",
    "impact": "what one derivation rebuilds, whole process",
    "diff": "nixpkgs' comparison of two evaluations, whole process",
}

OURS = "waves"


def is_ours(row):
    return row["tool"].strip("`").split()[0] == OURS


def disagreement(one, other):
    """Where two answers to one question differ, if they do."""
    for at, (ours, theirs) in enumerate(zip(one["answer"], other["answer"])):
        if ours != theirs:
            return f"item {at} is {ours} and {theirs}"
    if not one["sampled"] and not other["sampled"] and len(one["answer"]) != len(other["answer"]):
        return f"there are {len(one['answer'])} and {len(other['answer'])} items"
    if None not in (one["total"], other["total"]) and one["total"] != other["total"]:
        return f"the totals are {one['total']} and {other['total']}"
    return None


def disagreements(rows, questions):
    """Every tool whose answer is not that of the first to answer, and the questions that not both `waves` and another answered.

    >>> answer = {"question": "closure", "seconds": 1.0, "answer": [4, 6], "sampled": None, "total": None}
    >>> ours, theirs = answer | {"tool": "`waves`"}, answer | {"tool": "jq"}
    >>> disagreements([ours, theirs], ["closure"])
    []
    >>> disagreements([ours, theirs | {"answer": [4, 7]}], ["closure"])
    ['what one derivation rebuilds: `waves` and jq disagree: item 1 is 6 and 7']
    >>> disagreements([ours], ["closure"])
    ['what one derivation rebuilds: answered by `waves` alone']
    >>> disagreements([ours | {"seconds": None}, theirs], ["closure"])
    ['what one derivation rebuilds: answered by jq alone']
    >>> disagreements([], ["closure"])
    ['what one derivation rebuilds: answered by nobody']
    """
    found = []
    for question in questions:
        answered = [row for row in rows if row["question"] == question and row["seconds"] is not None]
        if len({is_ours(row) for row in answered}) < 2:
            found.append(f"{TITLES[question]}: answered by {alone(answered)}")
        for row in answered[1:]:
            what = disagreement(answered[0], row)
            if what:
                found.append(f"{TITLES[question]}: {answered[0]['tool']} and {row['tool']} disagree: {what}")
    return found


def alone(answered):
    return f"{', '.join(row['tool'] for row in answered)} alone" if answered else "nobody"


def losses(rows):
    """The lines that are quicker than `waves`."""
    found = []
    for question in TITLES:
        ours = our_seconds(rows, question)
        asked = [row for row in rows if row["question"] == question and row["seconds"] is not None and not is_ours(row)]
        found += [(question, row["tool"], row["seconds"] / ours) for row in asked if ours and row["seconds"] < ours]
    return found


def our_seconds(rows, question):
    ours = [row["seconds"] for row in rows if row["question"] == question and is_ours(row)]
    return min(ours, default=None)


def duration(seconds):
    for limit, unit, name in ((1e-3, 1e-6, "µs"), (1, 1e-3, "ms"), (120, 1, "s"), (7200, 60, "min"), (float("inf"), 3600, "h")):
        if seconds < limit:
            return f"{three_digits(seconds / unit)} {name}"
    raise ValueError(seconds)


def three_digits(number):
    if number >= 100:
        return f"{round(number):,}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def measured(row, items):
    """How often, on how many threads, and of how many."""
    if row["seconds"] is None:
        return row["note"]
    parts = [f"best of {row['repeats']}" if row["repeats"] > 1 else "once"]
    if row["threads"] > 1:
        parts.append(f"{row['threads']} threads")
    if row["sampled"]:
        parts = [f"{row['sampled']:,} of {items:,}, extrapolated", *parts[1:]]
    if row["note"]:
        parts.append(row["note"])
    return "; ".join(parts)


def markdown(rows, counts):
    """The table; `counts` has the number of items of a question that is asked of many."""
    lines = ["| question | tool | time | ratio | peak memory | measured |", "|---|---|--:|--:|--:|---|"]
    for question, title in TITLES.items():
        ours = our_seconds(rows, question)
        asked = [row for row in rows if row["question"] == question]
        asked.sort(key=lambda row: (not is_ours(row), row["seconds"] is None, row["seconds"]))
        for at, row in enumerate(asked):
            cells = [
                title if at == 0 else "",
                row["tool"],
                "–" if row["seconds"] is None else duration(row["seconds"]),
                "–" if row["seconds"] is None or not ours else three_digits(row["seconds"] / ours),
                "–" if row["seconds"] is None else f"{row['peak'] / 2**20:,.0f} MiB",
                measured(row, counts.get(question, 0)),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
