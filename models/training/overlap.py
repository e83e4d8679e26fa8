"""Keeps evaluation sets out of the training data: no passage may share a run of 13 words with them (as in Brown et al.
2020, appendix C)."""

from __future__ import annotations

import re
from pathlib import Path

from passages import Example

RUN = 13
TEXTS = (".md", ".mdx", ".rst", ".txt", ".json", ".jsonl", ".tsv", ".html", ".py", ".rs", ".js", ".mjs", ".ts")
WORD = re.compile(r"[a-z0-9]+")


def runs(text: str) -> set[str]:
    """Every run of 13 words, letters and digits only, in lower case."""
    words = WORD.findall(text.lower())
    return {" ".join(words[start : start + RUN]) for start in range(len(words) - RUN + 1)}


def of_folders(folders: list[Path]) -> set[str]:
    """The runs of every text file below the folders."""
    found: set[str] = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() in TEXTS and path.is_file():
                found |= runs(path.read_text(encoding="utf-8", errors="replace"))
    return found


def shared(examples: list[Example], kept_out: set[str]) -> list[Example]:
    """The examples that share a run."""
    return [example for example in examples if runs(example.text) & kept_out]
