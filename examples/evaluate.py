#!/usr/bin/env python3
"""Asks a judged set of questions by `docent batch` and measures the answers with ir_measures and pandas.

    pip install ir_measures pandas
    python examples/evaluate.py questions.jsonl --index index --save now.csv
    python examples/evaluate.py questions.jsonl --index other --baseline now.csv

The set is JSON lines: {"id", "query", "kind", "relevant": [{"path", "grade"}]}. Everything after the second
step is yours to change: `hits` has a row for each passage, `scores` one for each question and measure.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import ir_measures
import pandas as pd
from ir_measures import RR, R, Success, nDCG

MEASURES = [nDCG @ 10, RR @ 10, R @ 5, Success @ 5]


def main() -> None:
    options = arguments()
    questions = pd.read_json(options.questions, lines=True, dtype={"id": str})
    questions = questions[questions["relevant"].map(bool)]
    hits = asked(options)
    scores = measured(questions, hits)
    kinds = questions.set_index("id")["kind"] if "kind" in questions else pd.Series("all", questions["id"])
    table = scores.assign(kind=scores.index.map(kinds)).groupby("kind").mean()
    table.loc["all questions"] = scores.mean()
    print(table.round(4).to_string())
    if options.baseline:
        compare(scores, pd.read_csv(options.baseline, index_col="id", dtype={"id": str}))
    if options.save:
        scores.to_csv(options.save, index_label="id")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("--index", default="index")
    parser.add_argument("--limit", type=int, default=50, help="passages for a question")
    parser.add_argument("--docent", default="docent", help="the program")
    parser.add_argument("--save", type=Path, help="write the scores as CSV")
    parser.add_argument("--baseline", type=Path, help="compare with the scores of an earlier run")
    return parser.parse_args()


def asked(options: argparse.Namespace) -> pd.DataFrame:
    """A row for each passage: id of the question, rank, path, score and what else `hits` has."""
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers.jsonl"
        command = [options.docent, "batch", options.questions, "--index", options.index]
        command += ["--limit", str(options.limit), "--output", answers]
        # Status 2: some questions have an `error` in their line, and the rest is there.
        status = subprocess.run(command).returncode
        if status != 0 and not answers.exists():
            sys.exit(status)
        records = [json.loads(line) for line in answers.open(encoding="utf-8")]
    for record in records:
        if "error" in record:
            print(f"question {record['id']}: {record['error']['message']}", file=sys.stderr)
    rows = [
        {"question": record["id"], "rank": rank, **hit}
        for record in records
        for rank, hit in enumerate(record.get("hits", []), start=1)
    ]
    return pd.DataFrame(rows, columns=["question", "rank", "path", "score", "id", "title", "text"])


def measured(questions: pd.DataFrame, hits: pd.DataFrame) -> pd.DataFrame:
    """A row for each question, a column for each measure; a question without hits has 0."""
    qrels = [
        ir_measures.Qrel(row.id, document["path"], document.get("grade", 1))
        for row in questions.itertuples()
        for document in row.relevant
    ]
    # A document stands where its best passage does.
    best = hits.sort_values("rank").drop_duplicates(["question", "path"])
    run = [ir_measures.ScoredDoc(row.question, row.path, -row.rank) for row in best.itertuples()]
    values = pd.DataFrame(
        [(value.query_id, str(value.measure), value.value) for value in ir_measures.iter_calc(MEASURES, qrels, run)],
        columns=["id", "measure", "value"],
    )
    table = values.pivot(index="id", columns="measure", values="value")
    names = [str(measure) for measure in MEASURES]
    return table.reindex(index=questions["id"], columns=names).fillna(0.0)


def compare(scores: pd.DataFrame, baseline: pd.DataFrame) -> None:
    change = (scores - baseline).dropna()
    name = str(MEASURES[0])
    print("\ndifference\n" + change.mean().round(4).to_string())
    for word, moved in [("gained", change[change[name] > 0]), ("lost", change[change[name] < 0])]:
        print(f"{word}: {' '.join(moved.index) or '-'}")


if __name__ == "__main__":
    main()
