"""Asks DuckDB what a change of each attribute rebuilds, from the tables that `waves tables` writes.

ask.py graph|history DIRECTORY EXTENSION < attributes as a JSON list > answers as a JSON object

The answer for an attribute is [attributes, derivations, outputs]; of a history, an object of these by the number of the evaluation.
"""

import json
import sys

import duckdb

# docs/formats.md shows these two.
REBUILT = """
WITH RECURSIVE rebuilt(derivation) AS (
  SELECT member.derivation
  FROM attributes JOIN derivations AS named USING (derivation) JOIN derivations AS member ON member.package = named.package
  WHERE attribute = ?
UNION
  SELECT inputs.derivation FROM rebuilt JOIN inputs ON inputs.input = rebuilt.derivation WHERE rebuilds
)
SELECT (SELECT count(*) FROM attributes JOIN rebuilt USING (derivation)),
       (SELECT count(*) FROM rebuilt),
       (SELECT count(DISTINCT coalesce(path, output || ' of ' || derivation)) FROM outputs JOIN rebuilt USING (derivation))
"""

REBUILT_OVER_TIME = """
WITH RECURSIVE rebuilt(evaluation, derivation) AS (
  SELECT evaluation, member.derivation
  FROM attributes AS named
  JOIN evaluations ON evaluation BETWEEN named.first_evaluation AND named.last_evaluation
  JOIN lives AS own ON own.derivation = named.derivation AND evaluation BETWEEN own.first_evaluation AND own.last_evaluation
  JOIN lives AS member ON member.package = own.package AND evaluation BETWEEN member.first_evaluation AND member.last_evaluation
  WHERE attribute = ?
UNION
  SELECT evaluation, inputs.derivation
  FROM rebuilt JOIN inputs ON inputs.input = rebuilt.derivation AND rebuilds
  JOIN lives ON lives.derivation = inputs.derivation AND evaluation BETWEEN first_evaluation AND last_evaluation
)
SELECT evaluation,
  (SELECT count(*) FROM attributes JOIN rebuilt USING (derivation)
   WHERE rebuilt.evaluation = evaluations.evaluation AND rebuilt.evaluation BETWEEN first_evaluation AND last_evaluation),
  (SELECT count(*) FROM rebuilt WHERE rebuilt.evaluation = evaluations.evaluation),
  (SELECT count(DISTINCT coalesce(path, output || ' of ' || derivation)) FROM outputs JOIN rebuilt USING (derivation)
   WHERE rebuilt.evaluation = evaluations.evaluation)
FROM evaluations WHERE evaluation IN (SELECT evaluation FROM rebuilt)
"""

TABLES = {
    "graph": ["derivations", "inputs", "outputs", "attributes"],
    "history": ["evaluations", "derivations", "lives", "inputs", "outputs", "attributes"],
}


def table(path, extension):
    if extension == "parquet":
        return f"read_parquet('{path}')"
    return f"read_csv('{path}', header = true, delim = ',', quote = '\"', escape = '\"', sample_size = -1)"


def main():
    kind, directory, extension = sys.argv[1:]
    database = duckdb.connect()
    for name in TABLES[kind]:
        database.execute(f"CREATE TABLE {name} AS FROM {table(f'{directory}/{name}.{extension}', extension)}")
    answers = {}
    for attribute in json.load(sys.stdin):
        if kind == "graph":
            answers[attribute] = list(database.execute(REBUILT, [attribute]).fetchone())
        else:
            rows = database.execute(REBUILT_OVER_TIME, [attribute]).fetchall()
            answers[attribute] = {str(evaluation): counts for evaluation, *counts in rows}
    json.dump(answers, sys.stdout)


main()
