"""Training passages with their questions, from folders and from packages.

A folder holds `passages.jsonl` ({"id", "crumb", "text"}) and `questions.jsonl` ({"id", "questions": [...]}). Questions
over packages hold no text ({"package", "path", "hash", "questions"}): the package is fetched, its files are cut, and the
passage with that hash is the one. Where whoever wrote the questions had a group of passages that are alike before them,
an entry also names its "group", and "also" says for each question which others of the group answer it: their hash (in a
folder, their id) and a grade, 2 for as well and 1 for in part.
"""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import dataclass
from pathlib import Path

import packages


LEEWAY = 8  # passages more than wanted that may be held back, so that a group stays whole


@dataclass(frozen=True)
class Example:
    """A passage as docent embeds it (breadcrumb, line break, text) and the questions that it answers."""

    source: str
    text: str
    questions: tuple[str, ...]
    key: str = ""  # what `also` of others calls it
    group: str = ""  # passages that were graded against each other; none where empty
    also: tuple[dict[str, int], ...] = ()  # for each question: grades of other passages by their keys


def lines(path: Path) -> list[dict]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def of_folder(folder: Path) -> list[Example]:
    """The examples of a folder with passages and questions. Its groups are its own, whatever they are called."""
    asked = {entry["id"]: entry for entry in lines(folder / "questions.jsonl")}
    for entry in asked.values():
        if entry.get("group"):
            entry["group"] = f"{folder}: {entry['group']}"
    return [
        example(f"folder:{entry['id'].rsplit('-', 1)[0]}", f"{entry['crumb']}\n{entry['text']}", entry["id"], asked[entry["id"]])
        for entry in lines(folder / "passages.jsonl")
        if entry["id"] in asked
    ]


def of_packages(questions: list[Path], cache: Path) -> list[Example]:
    """The examples of questions over packages; a passage that is no longer found is an error."""
    wanted: dict[str, dict[str, dict]] = {}
    for path in questions:
        for entry in lines(path):
            wanted.setdefault(entry["package"], {})[entry["hash"]] = entry
    examples = []
    for package, entries in sorted(wanted.items()):
        paths = {entry["path"] for entry in entries.values()}
        found = {passage.hash: passage for passage in packages.passages(package, paths, cache)}
        if missing := sorted(entries.keys() - found.keys()):
            raise SystemExit(f"{package}: {len(missing)} passages are not in it, the first {missing[0]}")
        for hash_, entry in sorted(entries.items()):
            passage = found[hash_]
            examples.append(example(package, f"{passage.crumb}\n{passage.text}", hash_, entry))
    return examples


def example(source: str, text: str, key: str, entry: dict) -> Example:
    """A passage with its line of questions."""
    also, group = tuple(dict(grades) for grades in entry.get("also", [])), entry.get("group", "")
    if also and len(also) != len(entry["questions"]):
        raise SystemExit(f"{key}: {len(entry['questions'])} questions, and grades for {len(also)}")
    if also and not group:
        raise SystemExit(f"{key}: grades of others, and no group that they are in")
    for other, grade in (pair for grades in also for pair in grades.items()):
        if grade not in (1, 2) or other == key:
            raise SystemExit(f"{key}: grade {grade} of {other}: give 1 or 2, to other passages")
    return Example(source, text, tuple(entry["questions"]), key, group, also)


def digest(before: str, examples: list[Example]) -> str:
    """Tells what a round trains on, and what came before it, so that the state of another is not taken up.
    Groups count by who is in them, whatever they are called."""
    groups = {group: number for number, group in enumerate(dict.fromkeys(example.group for example in examples))}
    told = [(example.text, example.questions, bool(example.group) and groups[example.group], example.also) for example in examples]
    return f"{zlib.crc32(repr((before, told)).encode()):08x}"


def held_back(examples: list[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """Training examples, and those held back for measuring: random passages, whole groups of those that were graded."""
    members: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        members.setdefault(example.group or f"alone {index}", []).append(index)
    order = list(members.values())
    random.Random(seed).shuffle(order)
    back: set[int] = set()
    wanted = round(len(examples) * share)
    for group in order:
        # A large group would be most of a small folder.
        if len(back) < wanted and len(back) + len(group) < wanted + LEEWAY:
            back.update(group)
    return (
        [example for index, example in enumerate(examples) if index not in back],
        [examples[index] for index in sorted(back)],
    )
