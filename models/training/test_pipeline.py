"""Tests of what needs no neural network: cutting, grouping, measuring. `python -m unittest discover models/training`."""

from __future__ import annotations

import re
import tempfile
import unittest
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy

import batches
import cut
import evaluation_set
import overlap
import passages
from passages import Example

PARAGRAPH = "Every worker keeps its own connection and gives it back when the job is over, so that " * 4


class Cutting(unittest.TestCase):
    def test_a_passage_has_its_headings(self) -> None:
        text = f"# Pools\n\n## Sizes\n\n{PARAGRAPH}\n\n## Limits\n\n{PARAGRAPH}"
        found = cut.cut("pypi:x==1", "docs/pools.md", text)
        self.assertEqual([passage.crumb for passage in found], ["pools > Pools > Sizes", "pools > Pools > Limits"])

    def test_underlined_headings_nest(self) -> None:
        text = f"Pools\n=====\n\nSizes\n-----\n\n{PARAGRAPH}\n"
        self.assertEqual(cut.cut("p", "docs/pool.rst", text)[0].crumb, "pool > Pools > Sizes")

    def test_a_hash_names_the_text(self) -> None:
        one, other = (cut.Passage("p", "a.md", "A", text) for text in ("b", "c"))
        self.assertNotEqual(one.hash, other.hash)
        self.assertEqual(one.hash, cut.Passage("q", "b.md", "A", "b").hash)

    def test_a_fence_is_no_heading(self) -> None:
        text = f"# A\n\n```sh\n# not a heading\n```\n\n{PARAGRAPH}"
        self.assertEqual({passage.crumb for passage in cut.cut("p", "a.md", text)}, {"a > A"})

    def test_functions_with_docstrings_are_passages(self) -> None:
        body = "\n".join(f"    value_{n} = {n} + sum(values) * {n}" for n in range(12))
        text = f'def mean(values):\n    """The arithmetic mean of the values, and zero for none at all."""\n{body}\n    return value_0\n'
        found = cut.cut("p", "stats.py", text)
        self.assertEqual((found[0].crumb, found[0].text), ("stats", text.rstrip()))


class Rounds(unittest.TestCase):
    def test_other_questions_make_another_round(self) -> None:
        first = Example("s", "a passage", ("one?", "two?"), "k", "g", ({}, {"l": 1}))
        others = [
            replace(first, text="another"),
            replace(first, questions=("one?", "three?")),
            replace(first, group="", also=()),
            replace(first, also=({}, {"l": 2})),
        ]
        known = passages.digest("before", [first])
        self.assertEqual(known, passages.digest("before", [replace(first, source="t")]))
        told = {passages.digest("before", [other]) for other in others} | {passages.digest("after", [first])}
        self.assertEqual(len(told - {known}), 5)


class Grouping(unittest.TestCase):
    def examples(self) -> list[Example]:
        topics = ("queue worker retry", "certificate key rotation", "table index column")
        return [Example("s", f"{topics[n % 3]} number{n} word{n} other{n} " * 3, ("q",)) for n in range(48)]

    def test_every_example_is_in_one_batch(self) -> None:
        plan = batches.batches(self.examples(), size=16, group=4, seed=1)
        self.assertEqual(sorted(index for batch in plan for index in batch), list(range(48)))

    def test_a_group_is_of_one_topic(self) -> None:
        plan = batches.batches(self.examples(), size=4, group=4, seed=1)
        alike = [len({index % 3 for index in batch}) for batch in plan]
        self.assertEqual(set(alike), {1})

    def test_duplicates_are_no_neighbours(self) -> None:
        vectors = batches.tf_idf(["one two three four", "one two three four", "five six seven eight"])
        self.assertEqual(batches.neighbours(vectors, 0, numpy.array([False, True, True]), 1), [2])

    def test_a_graded_group_stays_whole(self) -> None:
        examples = [replace(example, group=f"g{index % 7}") for index, example in enumerate(self.examples())]
        plan = batches.batches(examples, size=20, group=4, seed=1)
        self.assertEqual(sorted(index for batch in plan for index in batch), list(range(48)))
        for batch in plan:
            self.assertEqual(sum(example.group in {examples[index].group for index in batch} for example in examples), len(batch))
        kept, back = passages.held_back(examples, 0.2, seed=3)
        self.assertTrue(back)
        self.assertFalse({example.group for example in kept} & {example.group for example in back})

    def test_what_was_not_graded_is_grouped_by_itself(self) -> None:
        examples = [replace(example, group="" if index % 2 else f"g{index % 6}") for index, example in enumerate(self.examples())]
        plan = batches.batches(examples, size=8, group=8, seed=1)
        self.assertEqual(sorted(index for batch in plan for index in batch), list(range(48)))
        for batch in plan:
            self.assertEqual(len({examples[index].group for index in batch}), 1)
            self.assertEqual(len({index % 3 for index in batch}), 1)

    def test_only_the_end_of_a_plan_is_left_out(self) -> None:
        self.assertEqual(batches.packed([[0], [1, 2, 3, 4], [5, 6, 7], [8]], size=4), [[0], [1, 2, 3, 4], [5, 6, 7, 8]])
        self.assertEqual(batches.packed([[0, 1, 2, 3], [4]], size=4), [[0, 1, 2, 3]])

    def test_a_large_group_is_not_held_back(self) -> None:
        examples = [replace(example, group="one" if index < 40 else "") for index, example in enumerate(self.examples())]
        for seed in range(20):
            self.assertLess(len(passages.held_back(examples, 0.06, seed)[1]), 3 + passages.LEEWAY)

    def test_a_passage_is_worth_what_it_was_graded(self) -> None:
        some = [
            Example("s", "a", ("p", "q"), "a", "g", ({"b": 2, "elsewhere": 1}, {})),
            Example("s", "b", ("r",), "b", "g", ({"a": 1},)),
        ]
        wanted = numpy.array([[1, 0.6], [1, 0], [0.15, 1]], numpy.float32)
        numpy.testing.assert_array_equal(batches.targets(some), wanted)

    def test_held_back_examples_are_not_trained_on(self) -> None:
        kept, back = passages.held_back(self.examples(), 0.25, seed=3)
        self.assertEqual((len(kept), len(back)), (36, 12))
        self.assertFalse({example.text for example in kept} & {example.text for example in back})


class Reading(unittest.TestCase):
    def read(self, questions: str) -> list[Example]:
        with tempfile.TemporaryDirectory() as folder:
            rows = ['{"id": "a-1", "crumb": "A", "text": "one"}', '{"id": "a-2", "crumb": "A", "text": "two"}']
            (Path(folder) / "passages.jsonl").write_text("\n".join(rows), encoding="utf-8")
            (Path(folder) / "questions.jsonl").write_text(questions, encoding="utf-8")
            return passages.of_folder(Path(folder))

    def test_grades_of_others_come_with_each_question(self) -> None:
        read = self.read('{"id": "a-1", "questions": ["p", "q"], "group": "g", "also": [[], [["a-2", 2]]]}')
        self.assertEqual([(one.text, one.key, one.also) for one in read], [("A\none", "a-1", ({}, {"a-2": 2}))])
        self.assertRegex(read[0].group, r".: g$")  # another folder may have a group of that name

    def test_grades_that_nothing_could_use_are_refused(self) -> None:
        for wrong, reason in (
            ('"group": "g", "also": [[["a-2", 3]]]', "a-1: grade 3 of a-2"),
            ('"group": "g", "also": [[["a-1", 1]]]', "a-1: grade 1 of a-1"),
            ('"also": [[["a-2", 1]]]', "a-1: grades of others, and no group"),
        ):
            with self.assertRaisesRegex(SystemExit, reason):
                self.read('{"id": "a-1", "questions": ["p"], ' + wrong + "}")

    def test_a_question_without_grades_is_refused_where_others_have_them(self) -> None:
        with self.assertRaisesRegex(SystemExit, "a-1: 2 questions, and grades for 1"):
            self.read('{"id": "a-1", "questions": ["p", "q"], "group": "g", "also": [[]]}')


class KeepingOut(unittest.TestCase):
    def test_thirteen_words_in_a_row_are_found_whatever_stands_between_them(self) -> None:
        run = "a b c d e f g h i j k l m".split()
        with tempfile.TemporaryDirectory() as folder:
            for name in ("set.jsonl", "page.rst", "tool.py"):
                (Path(folder) / name).write_text(", ".join(run), encoding="utf-8")
                self.assertEqual(len(overlap.of_folders([Path(folder)])), 1, name)
                (Path(folder) / name).unlink()
            (Path(folder) / "set.jsonl").write_text(", ".join(run), encoding="utf-8")
            kept_out = overlap.of_folders([Path(folder)])
        shared = Example("s", "say " + " ".join(run).upper(), ())
        other = Example("s", "say " + " ".join(run[:-1]), ())
        self.assertEqual(overlap.shared([shared, other], kept_out), [shared])


class Unseen(unittest.TestCase):
    def packages(self, pattern: str, only_code: bool = False) -> set[str]:
        """Names without versions of the packages that questions are kept for."""
        entries = [entry for file in Path(__file__).parent.glob(pattern) for entry in passages.lines(file)]
        return {
            re.split(r"==|(?<=.)@(?=v?\d)", entry["package"])[0].lower()
            for entry in entries
            if not only_code or Path(entry["path"]).suffix in (".py", ".js", ".mjs", ".ts", ".rs")
        }

    def test_nothing_is_trained_on_of_what_is_kept_for_measuring(self) -> None:
        self.assertEqual(len(self.packages("unseen/docs-*.jsonl")), 30)
        self.assertFalse(self.packages("unseen/docs-*.jsonl") & self.packages("questions/*.jsonl"))
        self.assertEqual(len(self.packages("unseen/code-*.jsonl")), 102)
        self.assertFalse(self.packages("unseen/code-*.jsonl") & self.packages("questions/*.jsonl", only_code=True))


class EvaluationSets(unittest.TestCase):
    def test_each_package_has_questions_that_nothing_answers(self) -> None:
        entries = passages.lines(Path(__file__).parent / "unseen" / "unanswerable.jsonl")
        kinds = Counter((entry["package"], entry["kind"]) for entry in entries)
        packages = {entry["package"] for file in evaluation_set.HERE.glob("unseen/docs-*.jsonl") for entry in passages.lines(file)}
        self.assertEqual(kinds, {(name, kind): count for name in packages for kind, count in (("in-domain", 8), ("other", 4))})
        self.assertEqual(len({row["query"] for row in evaluation_set.unanswerable()}), 360)

    def test_a_question_has_its_page_its_grades_and_a_line_to_look_for(self) -> None:
        line = "Every worker keeps its own connection until the job is over"
        passage = cut.Passage("pypi:a==1", "docs/pool.rst", "Pool", f"See `pool`.\n{line}\n- a list")
        entry = {"package": "pypi:a==1", "path": "docs/pool.rst", "hash": passage.hash, "questions": ["p", "q", "r"]}
        entry["also"] = [[["b", 1]], [["b", 2], ["elsewhere", 2]], []]
        other = {"package": "npm:@x/b@2", "path": "README.md"}
        rows = evaluation_set.questions(entry, {passage.hash: entry, "b": other}, {passage.hash: (passage, f"Pool\n====\n\n{passage.text}\nA line that is as long, and is in no passage of this page, at all\n")})
        grades = [{one["path"]: one["grade"] for one in row["relevant"]} for row in rows]
        own = {"pypi-a==1/docs/pool.rst": 3}
        self.assertEqual(grades, [{"npm--x-b-2/README.md": 1} | own, {"npm--x-b-2/README.md": 2} | own, own])
        self.assertEqual([row["kind"] for row in rows], ["everyday", "task", "search"])
        self.assertEqual(rows[0]["quotes"], [{"path": "pypi-a==1/docs/pool.rst", "text": line}])
        self.assertIsNone(evaluation_set.quote(line, "Every worker keeps its :role:`own` connection until the job is over"))
        with self.assertRaisesRegex(SystemExit, "pypi:a==1: `docs/pool.rst` has no passage"):
            evaluation_set.questions(entry, {}, {})

    def test_a_licence_and_a_list_of_files_are_no_pages(self) -> None:
        paths = ["docs/a.md", "README.rst", "docs/LICENSE.txt", "sources.txt", "doc/guide.txt", "tests/data.md"]
        self.assertEqual([path for path in paths if evaluation_set.is_page(path)], ["docs/a.md", "README.rst", "doc/guide.txt"])


if __name__ == "__main__":
    unittest.main()
