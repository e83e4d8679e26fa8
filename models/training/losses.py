"""What training minimises: contrastive losses on the pooled vectors and on late interaction.

Both are InfoNCE (van den Oord et al. 2018) of each question against all passages of its batch; where other passages were
graded as answers too, the target is a distribution over all of them (ListNet, Cao et al. 2007). Late interaction is scored
as docent scores it (ColBERT's MaxSim, Khattab and Zaharia 2020): tokens at unit length, centred, those of the passage
halfway to the signs that docent keeps of them (straight-through gradient, Bengio et al. 2013).
"""

from __future__ import annotations

import torch
from torch.nn import functional

from encoder import Batch

POOLED_SCALE, LATE_SCALE = 20.0, 35.0


def contrastive(scores: torch.Tensor, targets: torch.Tensor, scale: float) -> torch.Tensor:
    """Cross entropy of scores against what they should be in proportion to, both [questions, passages]."""
    return functional.cross_entropy(scores * scale, targets / targets.sum(1, keepdim=True))


def centred(vectors: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
    """Token vectors at unit length around a centre of such vectors."""
    return functional.normalize(functional.normalize(vectors, dim=-1) - centre, dim=-1)


def centre_of(vectors: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The mean of a batch's unit token vectors, outside the gradient."""
    telling = batch.telling.unsqueeze(-1)
    return ((functional.normalize(vectors, dim=-1) * telling).sum((0, 1)) / telling.sum()).detach()


def half_signs(vectors: torch.Tensor) -> torch.Tensor:
    """Halfway between unit vectors and their signs at unit length; the gradient is that of the vectors."""
    signs = torch.sign(vectors) / vectors.shape[-1] ** 0.5
    return vectors + ((signs - vectors) * 0.5).detach()


def late_scores(
    questions: torch.Tensor, asked: Batch, passages: torch.Tensor, read: Batch, weights: torch.Tensor
) -> torch.Tensor:
    """MaxSim of each question and passage, [questions, passages]; `weights` by token id."""
    centre = centre_of(passages, read)
    question_tokens = centred(questions, centre)[asked.telling > 0]
    passage_tokens = half_signs(centred(passages, centre))
    alike = question_tokens @ passage_tokens.flatten(0, 1).T
    alike = alike.view(len(question_tokens), len(passages), -1)
    best = alike.masked_fill(read.telling.unsqueeze(0) == 0, -1.0).amax(-1)
    share = weights[asked.ids] * asked.telling
    share = share / share.sum(1, keepdim=True).clamp_min(1e-6)
    rows = (asked.telling > 0).nonzero()[:, 0]
    scores = torch.zeros(len(questions), len(passages))
    return scores.index_add(0, rows, best * share[asked.telling > 0].unsqueeze(-1))
