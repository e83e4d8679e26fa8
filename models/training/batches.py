"""Batches whose passages are alike: the other passages of a batch are the negatives, so hard ones are had for free.

A batch is made of groups of near neighbours by TF-IDF, or of the groups that were graded against each other. Mining single hard negatives (and encoding each of them) costs
twice the time for the same number of comparisons. Passages that are all but the same never share a batch: they would be
false negatives.
"""

from __future__ import annotations

import random
import re
import zlib

import numpy

from passages import Example

WORD = re.compile(r"[a-z0-9_]{2,}")
BUCKETS = 8192
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
    """Indices of examples in batches of `size`, in groups of `group` neighbours; every example once."""
    vectors = tf_idf([example.text for example in examples])
    generator = random.Random(seed)
    order = list(range(len(examples)))
    generator.shuffle(order)
    groups = graded(examples)
    free = numpy.array([not example.group for example in examples])
    for seed_index in order:
        if not free[seed_index]:
            continue
        free[seed_index] = False
        groups.append([seed_index] + neighbours(vectors, seed_index, free, group - 1))
    generator.shuffle(groups)
    return packed(groups, size)


def packed(groups: list[list[int]], size: int) -> list[list[int]]:
    """Batches of at most `size` of whole groups; a last one of less than half is left out."""
    plan: list[list[int]] = [[]]
    for members in groups:
        if len(plan[-1]) + len(members) > size:
            plan.append([])
        plan[-1].extend(members)
    return [batch for batch in plan if len(batch) >= size // 2]


def graded(examples: list[Example]) -> list[list[int]]:
    """The groups that were graded: their neighbours are known, and are not all negatives."""
    groups: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        if example.group:
            groups.setdefault(example.group, []).append(index)
    return list(groups.values())


def neighbours(vectors: numpy.ndarray, index: int, free: numpy.ndarray, count: int) -> list[int]:
    """The nearest examples that are free yet and no duplicates; they are free no longer."""
    alike = vectors @ vectors[index]
    alike[~free | (alike > DUPLICATE)] = -1
    best = [int(other) for other in numpy.argsort(-alike)[:count] if alike[other] >= 0]
    free[best] = False
    return best
