"""How well an encoder finds held-back passages: nDCG@10 of each question's own passage among all of them, by the pooled
vectors and by late interaction as docent scores it, with bootstrap intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy
import torch

import losses
from encoder import PASSAGE_TOKENS, QUESTION_TOKENS, Batch, Texts, pooled, token_vectors
from passages import Example

RESAMPLES = 2000


@dataclass
class Result:
    """A mean and its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({self.low:.3f} to {self.high:.3f})"


def interval(values: numpy.ndarray, seed: int = 1) -> Result:
    """Percentile bootstrap over questions."""
    generator = numpy.random.default_rng(seed)
    means = values[generator.integers(0, len(values), (RESAMPLES, len(values)))].mean(1)
    return Result(float(values.mean()), *(float(q) for q in numpy.quantile(means, [0.025, 0.975])))


def gains(scores: torch.Tensor, answers: torch.Tensor) -> numpy.ndarray:
    """nDCG@10 of each question with one relevant passage: 1 / log2(1 + rank), 0 from rank 11 on."""
    own = scores.gather(1, answers.unsqueeze(1))
    rank = (scores > own).sum(1) + 1
    return torch.where(rank <= 10, 1 / torch.log2(1 + rank.float()), torch.zeros(len(rank))).numpy()


@torch.no_grad()
def encode(model, texts: Texts, strings: list[str], longest: int) -> list[tuple[torch.Tensor, Batch]]:
    """Token vectors in parts of 32."""
    parts = [texts.batch(strings[start : start + 32], longest) for start in range(0, len(strings), 32)]
    return [(token_vectors(model, part), part) for part in parts]


@torch.no_grad()
def evaluate(model, texts: Texts, held: list[Example], weights: torch.Tensor) -> dict[str, Result]:
    """Both measures over all questions of the held-back examples."""
    read = encode(model, texts, [example.text for example in held], PASSAGE_TOKENS)
    asked = encode(model, texts, [question for example in held for question in example.questions], QUESTION_TOKENS)
    answers = torch.tensor([index for index, example in enumerate(held) for _ in example.questions])
    passages = torch.cat([pooled(vectors, part) for vectors, part in read])
    dense = torch.cat([pooled(vectors, part) for vectors, part in asked]) @ passages.T
    late = torch.cat(
        [
            torch.cat([losses.late_scores(vectors, part, body, whole, weights) for body, whole in read], dim=1)
            for vectors, part in asked
        ]
    )
    return {"dense": interval(gains(dense, answers)), "late": interval(gains(late, answers))}
