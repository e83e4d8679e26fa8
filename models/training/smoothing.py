"""Factors that bring the largest activations of an encoder down, so that int8 has steps for all of them.

In the feed-forward layers a few components are ten times as large as the rest. Eight bits over the range of all leave the
rest a few steps: over 60 passages of documentation and their questions the mean cosine of tokens to full precision is
0.991, and 0.997 with factors. So such a component is multiplied by a factor, and its row of the matrix behind it is divided
by it (after Xiao et al. 2023, SmoothQuant; theirs change every component, which costs the matrices as much as it gains).
Those of attention gain little, and a multiplication there takes as long.
"""

from __future__ import annotations

import numpy
import torch

from encoder import PASSAGE_TOKENS, Texts, token_vectors

LARGEST = 4.0  # that a component may be; 3 to 6 hardly differ
PARTS = ("intermediate.dense", "output.dense")


@torch.no_grad()
def factors(model, texts: Texts, sample: list[str]) -> dict[str, numpy.ndarray]:
    """For each linear map of the feed-forward layers the factor of each of its inputs, 1 at most, by the largest that it
    has in a sample of texts."""
    linears = {name: module for name, module in model.named_modules() if is_smoothed(name)}
    largest = {name: torch.zeros(linear.in_features) for name, linear in linears.items()}

    def watch(name: str):
        def look(_, inputs: tuple[torch.Tensor]) -> None:
            largest[name] = torch.maximum(largest[name], inputs[0].abs().amax((0, 1)))

        return look

    watching = [linear.register_forward_pre_hook(watch(name)) for name, linear in linears.items()]
    for text in sample:
        token_vectors(model, texts.batch([text], PASSAGE_TOKENS))
    for hook in watching:
        hook.remove()
    return {name: (LARGEST / largest[name].clamp_min(LARGEST)).numpy() for name in linears}


def is_smoothed(name: str) -> bool:
    """Whether this is one of the two linear maps of a feed-forward layer."""
    return name.endswith(PARTS) and ".attention." not in name
