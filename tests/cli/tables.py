"""Whether CSV says what JSON says, by Python's reader of CSV and another flattening. Reads lines of JSON: a report, a key of a list
in it, and the CSV of that list. Prints how many cells it compared."""
import csv, io, json, sys

OBEYED = {chr(c) for c in [*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]} - {"\n", "\t"}


def text(value):
    shown = "".join("\N{REPLACEMENT CHARACTER}" if c in OBEYED else c for c in value)
    return "'" + shown if shown[:1] in ("=", "+", "-", "@", "\t") and shown else shown


def plain(value):
    return value if isinstance(value, str) else json.dumps(value)


def flat(value, path=()):
    """Pairs of a path and what stands there: a text, or the JSON of anything else."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, (*path, key))
    elif isinstance(value, list):
        nested = any(isinstance(item, (dict, list)) for item in value)
        yield path, None if nested else text(" ".join(plain(item) for item in value))
        if nested:
            yield (*path, "JSON"), value
    elif value is not None:
        yield path, text(value) if isinstance(value, str) else value


compared = 0
for line in sys.stdin:
    case = json.loads(line)
    items = case["report"][case["key"]]
    rows = list(csv.reader(io.StringIO(case["csv"], newline=""), strict=True))
    assert case["csv"] == "" or case["csv"].endswith("\r\n"), "RFC 4180 ends lines so"
    assert len(rows) == (len(items) + 1 if items else 0), (case["key"], len(rows), len(items))
    if not items:
        continue
    header, *rows = rows
    assert len(set(header)) == len(header), header
    used = set()
    for item, row in zip(items, rows):
        assert len(row) == len(header)
        cells, expected = dict(zip(header, row)), {}
        for path, value in flat(item):
            if path[-1:] == ("JSON",):
                assert json.loads(cells[".".join(path[:-1])]) == value
                used.add(".".join(path[:-1]))
            elif value is not None:
                expected[".".join(path) or case["key"]] = value
        for column, cell in cells.items():
            if column not in expected:
                assert cell == "" or cell.startswith("["), (column, cell)
                continue
            value = expected[column]
            same = cell == value if isinstance(value, str) else json.loads(cell) == value
            assert same, (column, cell, value)
            compared += 1
        used |= expected.keys()
    # No value is without its column.
    assert used <= set(header), used - set(header)
print(compared)
