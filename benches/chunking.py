#!/usr/bin/env python3
"""How well docent's chunks hold what answers a question: recall, precision and IoU of text spans.

usage: chunking.py --docent PROGRAM SET [--limit 5] [--work DIR]

SET is a folder with corpora/*.md and questions.jsonl, one object a line: {"_id", "corpus", "text", "references":
[{"start_index", "end_index"}]}, offsets in characters. Each question is answered with the LIMIT best chunks over all
corpora. Of the characters of the references, recall is the share that the chunks hold; precision is the share of the
chunks' characters that are references; IoU counts what is in both against what is in either (Smith and Troynikov,
"Evaluating chunking strategies for retrieval", Chroma technical report, 2024, with characters for tokens).
Needs Python 3.9 and nothing else.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile


def docent(program, *arguments):
    run = subprocess.run([program, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if run.returncode:
        sys.exit(f"docent {' '.join(map(str, arguments))}: exit status {run.returncode}")
    return run.stdout


def span_of(hit, texts):
    """The characters of a hit in its document: its text is an exact slice, in the lines that it names."""
    text = texts[hit["path"]]
    start = 0
    for _ in range(hit["start_line"] - 1):
        start = text.index("\n", start) + 1
    return range(found, found + len(hit["text"])) if (found := text.find(hit["text"], start)) >= 0 else None


def measures(hits, references, texts):
    wanted = {(path, offset) for path, start, end in references for offset in range(start, end)}
    held = set()
    for hit in hits:
        span = span_of(hit, texts)
        if span is None:
            sys.exit(f"{hit['path']}:{hit['start_line']}: the text of the hit is not in the document")
        held.update((hit["path"], offset) for offset in span)
    both = len(wanted & held)
    return both / len(wanted), both / len(held) if held else 0.0, both / len(wanted | held)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=pathlib.Path)
    parser.add_argument("--docent", default="target/release/docent")
    parser.add_argument("--limit", type=int, default=5)
    parser.add_argument("--work", type=pathlib.Path)
    arguments = parser.parse_args()
    work = arguments.work or pathlib.Path(tempfile.mkdtemp(prefix="docent-chunking-"))
    work.mkdir(parents=True, exist_ok=True)
    corpora = arguments.set / "corpora"
    texts = {path.name: path.read_bytes().decode() for path in corpora.iterdir()}
    questions = [json.loads(line) for line in (arguments.set / "questions.jsonl").read_text().splitlines()]
    asked = work / "questions.jsonl"
    asked.write_text("".join(json.dumps({"id": one["_id"], "query": one["text"]}) + "\n" for one in questions))
    docent(arguments.docent, "index", corpora, "--index", work / "index")
    answers = docent(arguments.docent, "batch", asked, "--index", work / "index", "--limit", arguments.limit, "-q")
    results = []
    for question, line in zip(questions, answers.splitlines(), strict=True):
        answer = json.loads(line)
        assert answer["id"] == question["_id"], answer
        path = question["corpus"] + ".md"
        references = [(path, one["start_index"], one["end_index"]) for one in question["references"]]
        results.append(measures(answer["hits"], references, texts))
    lengths = [len(hit["text"]) for line in answers.splitlines() for hit in json.loads(line)["hits"]]
    recall, precision, iou = (100 * sum(column) / len(column) for column in zip(*results))
    print(f"questions {len(results)}, chunks a question {arguments.limit}, characters a chunk {sum(lengths) / len(lengths):.0f}")
    print(f"recall {recall:.1f}  precision {precision:.1f}  IoU {iou:.1f}")


main()
