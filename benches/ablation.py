#!/usr/bin/env python3
"""What each part of the ranking is worth: a table for docs/ablation.md.

usage: ablation.py --docent PROGRAM --set NAME=QUESTIONS:CORPUS [--set ...] [--work DIR]

Indexes each corpus with the default model, asks all questions with the whole ranking and with each part left out,
and prints a Markdown table of nDCG@10: the whole ranking's, and for each part the difference that leaving it out
makes, with the 95 % interval and the p-value of the paired tests of `docent compare`. Sets with rephrasings.jsonl
are also asked in several wordings. Needs Python 3.9 and nothing else.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

PARTS = ["late", "dense", "lexical", "document", "spread"]
MEASURES = ["nDCG@10", "hit@5", "passage@5", "AUROC"]


def docent(program, *arguments):
    run = subprocess.run([program, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(f"docent {' '.join(map(str, arguments))}: exit status {run.returncode}")
    return run.stdout


class Set:
    def __init__(self, program, work, name, questions, corpus):
        self.program, self.name, self.questions = program, name, questions
        self.folder = work / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.index = self.folder / "index"
        docent(program, "index", corpus, "--index", self.index)

    def evaluate(self, label, *options):
        result = self.folder / f"{label}.json"
        docent(self.program, "eval", self.questions, "--index", self.index, "--json", result, "-q", *options)
        return result

    def compare(self, first, second):
        return json.loads(docent(self.program, "compare", first, second, "--json"))


def cell(change):
    return f"{change['difference']:+.3f} ({change['low']:+.3f} to {change['high']:+.3f}), p {change['p_value']:.3f}"


def rows(one):
    whole = one.evaluate("whole")
    measured = json.loads(whole.read_text())["metrics"]
    for name in MEASURES:
        if name in measured:
            yield one.name, "whole ranking", name, f"{measured[name]['value']:.3f} ({measured[name]['low']:.3f} to {measured[name]['high']:.3f})"
    cases = [(f"without {part}", [f"--without={part}"]) for part in PARTS]
    if (pathlib.Path(one.questions) / "rephrasings.jsonl").exists():
        cases.append(("with rephrasings", ["--with-rephrasings"]))
    for label, options in cases:
        changes = one.compare(whole, one.evaluate(label.replace(" ", "-"), *options))["metrics"]
        for name in MEASURES:
            if name in changes:
                yield one.name, label, name, cell(changes[name])
    if any(label == "with rephrasings" for label, _ in cases):
        several = one.folder / "with-rephrasings.json"
        ungated = one.evaluate("ungated", "--with-rephrasings", "--without=gate")
        changes = one.compare(several, ungated)["metrics"]
        for name in MEASURES:
            if name in changes:
                yield one.name, "rephrasings, without gate (against with)", name, cell(changes[name])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docent", default="target/release/docent")
    parser.add_argument("--set", action="append", required=True, metavar="NAME=QUESTIONS:CORPUS")
    parser.add_argument("--work", type=pathlib.Path, help="keep indexes and results here")
    arguments = parser.parse_args()
    work = arguments.work or pathlib.Path(tempfile.mkdtemp(prefix="docent-ablation-"))
    for given in arguments.set:
        name, _, places = given.partition("=")
        questions, _, corpus = places.partition(":")
        one = Set(arguments.docent, work, name, questions, corpus or pathlib.Path(questions) / "corpus.jsonl")
        table = {}
        for _, label, measure, text in rows(one):
            table.setdefault(label, {})[measure] = text
        measures = [name for name in MEASURES if any(name in row for row in table.values())]
        print(f"\n| {name} | {' | '.join(measures)} |\n|---|{'---|' * len(measures)}")
        for label, row in table.items():
            print(f"| {label} | {' | '.join(row.get(measure, '') for measure in measures)} |", flush=True)


main()
