"""Batches whose passages are alike: the other passages of a batch are the negatives, so hard ones are had for free.

A batch is made of groups of near neighbours by TF-IDF, or of the groups that were graded against each other. Mining
single hard negatives (and encoding each of them) costs twice the time for the same number of comparisons. Among
neighbours by TF-IDF there are none that are all but the same: they would be false negatives.
"""

from __future__ import annotations

import random
import re
import zlib

import numpy

from passages import Example

WORD = re.compile(r"[a-z0-9_]{2,}")
BUCKETS = 8192
GAINS = {1: 0.15, 2: 0.6}  # of another passage by its grade, beside 1 of the question's own
DUPLICATE = 0.75  # cosine of TF-IDF from which two passages count as the same


def tf_idf(texts: list[str]) -> numpy.ndarray:
    """Unit TF-IDF vectors [texts, BUCKETS] over hashed words (sublinear term frequency)."""
    counts = numpy.zeros((len(texts), BUCKETS), numpy.float32)
    for row, text in enumerate(texts):
        for word in WORD.findall(text.lower()):
            counts[row, zlib.crc32(word.encode()) % BUCKETS] += 1
    weights = numpy.log((1 + len(texts)) / (1 + (counts > 0).sum(0)))
    vectors = numpy.log1p(counts) * weights
    return vectors / numpy.maximum(numpy.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def batches(examples: list[Example], size: int, group: int, seed: int) -> list[list[int]]:
    """Indices of examples in batches of `size`, in groups of `group` neighbours; every example once,
    but for less than half a batch at the end."""
    generator = random.Random(seed)
    groups = graded(examples) + alike(examples, group, generator)
    generator.shuffle(groups)
    return packed(groups, size)


def alike(examples: list[Example], size: int, generator: random.Random) -> list[list[int]]:
    """Groups of near neighbours of the examples that are in no graded group."""
    places = [index for index, example in enumerate(examples) if not example.group]
    vectors = tf_idf([examples[index].text for index in places])
    order = list(range(len(places)))
    generator.shuffle(order)
    free = numpy.ones(len(places), bool)
    groups = []
    for first in order:
        if free[first]:
            free[first] = False
            members = [first] + neighbours(vectors, first, free, size - 1)
            groups.append([places[member] for member in members])
    return groups


def packed(groups: list[list[int]], size: int) -> list[list[int]]:
    """Batches of at most `size` of whole groups; the last one is left out where it is less than half."""
    plan: list[list[int]] = [[]]
    for members in groups:
        if len(plan[-1]) + len(members) > size:
            plan.append([])
        plan[-1].extend(members)
    return plan if len(plan[-1]) >= size // 2 else plan[:-1]


def targets(some: list[Example]) -> numpy.ndarray:
    """What each passage of a batch is worth to each question, [questions, passages]: 1 its own, less the others that were
    graded as answers too, and 0 the rest."""
    places = {example.key: index for index, example in enumerate(some) if example.key}
    rows = numpy.zeros((sum(len(example.questions) for example in some), len(some)), numpy.float32)
    row = 0
    for index, example in enumerate(some):
        for number in range(len(example.questions)):
            for key, grade in (example.also[number] if example.also else {}).items():
                if key in places:
                    rows[row, places[key]] = GAINS[grade]
            rows[row, index] = 1.0
            row += 1
    return rows


def graded(examples: list[Example]) -> list[list[int]]:
    """The groups that were graded: their neighbours are known, and are not all negatives."""
    groups: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        if example.group:
            groups.setdefault(example.group, []).append(index)
    return list(groups.values())


def neighbours(vectors: numpy.ndarray, index: int, free: numpy.ndarray, count: int) -> list[int]:
    """The nearest examples that are free yet and no duplicates; they are free no longer."""
    cosines = vectors @ vectors[index]
    cosines[~free | (cosines > DUPLICATE)] = -1
    best = [int(other) for other in numpy.argsort(-cosines)[:count] if cosines[other] >= 0]
    free[best] = False
    return best
