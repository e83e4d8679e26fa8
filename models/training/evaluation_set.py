"""Writes an evaluation set for `docent eval` from the documentation that nothing is trained on (`unseen/docs-*`).

    build/venv/bin/python models/training/evaluation_set.py --out build/unseen
    docent index build/unseen/corpus --index build/unseen/index
    docent eval build/unseen --index build/unseen/index --by kind

The corpus is the pages that questions are about and, of each package, other pages up to 120 kB. A question's own page
has grade 3, pages with passages that were graded as answers theirs; its quote is the longest plain line of its passage,
where the page has that line too. Beside them stand questions that no page answers (`unseen/unanswerable.jsonl`).
"""

from __future__ import annotations

import argparse
import json
import re
import tarfile
from pathlib import Path, PurePosixPath

import cut
import packages
import passages

HERE = Path(__file__).parent
KINDS = ("everyday", "task", "search")  # of the three questions of a passage, in their order
OTHER_PAGES = 120_000  # bytes of a package's pages that no question is about
SHORTEST_QUOTE = 35  # characters
NO_PAGES = re.compile(
    r"(^|/)(node_modules|tests?|licen[cs]es?|locales?|i18n|_build|vendor|release-?notes|dist)/|LICENSE|COPYING|AUTHORS|CHANGE|HISTORY",
    re.IGNORECASE,
)


def is_page(path: str) -> bool:
    """Whether a file of a package is documentation."""
    suffix = PurePosixPath(path).suffix.lower()
    is_text = suffix in (".md", ".mdx", ".rst") or (suffix == ".txt" and re.search("doc|guide|help", path) is not None)
    return is_text and not NO_PAGES.search(path)


def place(entry: dict) -> str:
    """Where the page of an entry stands in the corpus."""
    return f"{re.sub('[:/@]', '-', entry['package'])}/{entry['path']}"


def quote(text: str, page: str) -> str | None:
    """The longest line without marks that the page has word for word, so that whoever parses it finds it."""
    plain = [line.strip() for line in text.split("\n") if not re.search(r"[`<>\[\]*_|:\\]", line) and line.strip() in page]
    longest = max(plain, key=len, default="")
    return longest if len(longest) >= SHORTEST_QUOTE else None


def write_pages(package: str, asked: set[str], archive: Path, corpus: Path) -> dict[str, tuple[cut.Passage, str]]:
    """Writes a package's pages; its passages by their hashes, each with the text of its page."""
    found, others = {}, 0
    with tarfile.open(archive) as opened:
        for member in opened:
            path = member.name.partition("/")[2]
            if not member.isfile() or member.size > packages.LARGEST_FILE or not (path in asked or is_page(path)):
                continue
            if ".." in PurePosixPath(path).parts:
                raise SystemExit(f"{archive}: `{member.name}` leads out of the folder")
            if path not in asked:
                if others + member.size > OTHER_PAGES:
                    continue
                others += member.size
            text = opened.extractfile(member).read().decode("utf-8", "replace")
            target = corpus / place({"package": package, "path": path})
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            found |= {passage.hash: (passage, text) for passage in cut.cut(package, path, text)}
    return found


def questions(entry: dict, entries: dict[str, dict], found: dict[str, tuple[cut.Passage, str]]) -> list[dict]:
    """The questions of one passage as `docent eval` reads them."""
    if entry["hash"] not in found:
        raise SystemExit(f"{entry['package']}: `{entry['path']}` has no passage {entry['hash']}")
    rows = []
    passage, page = found[entry["hash"]]
    quoted = quote(passage.text, page)
    for kind, question, also in zip(KINDS, entry["questions"], entry["also"]):
        grades = {place(entries[other]): grade for other, grade in sorted(also, key=lambda pair: pair[1]) if other in entries}
        grades[place(entry)] = 3
        row = {"id": f"{entry['hash']}-{kind}", "query": question, "kind": kind}
        row["relevant"] = [{"path": path, "grade": grade} for path, grade in grades.items()]
        if quoted:
            row["quotes"] = [{"path": place(entry), "text": quoted}]
        rows.append(row)
    return rows


def unanswerable() -> list[dict]:
    """The questions that no page answers: about a package's own subject, or about other software."""
    entries = passages.lines(HERE / "unseen" / "unanswerable.jsonl")
    return [{"id": f"none-{number:03}", "query": entry["question"], "kind": entry["kind"]} for number, entry in enumerate(entries)]


def written(path: Path, rows: list[dict]) -> None:
    """Writes an object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def main() -> None:
    """Fetches the packages and writes the set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the corpus, the questions and the packages")
    out = parser.parse_args().out
    entries = {entry["hash"]: entry for file in sorted((HERE / "unseen").glob("docs-*.jsonl")) for entry in passages.lines(file)}
    found: dict[str, tuple[cut.Passage, str]] = {}
    for package in sorted({entry["package"] for entry in entries.values()}):
        asked = {entry["path"] for entry in entries.values() if entry["package"] == package}
        found |= write_pages(package, asked, packages.archive(package, out / "packages"), out / "corpus")
    rows = [row for entry in entries.values() for row in questions(entry, entries, found)]
    written(out / "questions.jsonl", rows)
    written(out / "unanswerable.jsonl", unanswerable())
    print(f"{out}: {len(rows)} questions to {len({entry['package'] for entry in entries.values()})} packages")


if __name__ == "__main__":
    main()
