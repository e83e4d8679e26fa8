"""The training itself: two contrastive losses over batches of neighbours. See run.py for the command."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch

import losses
from batches import batches, targets
from encoder import PASSAGE_TOKENS, QUESTION_TOKENS, Batch, Texts, load, pooled, token_vectors
from passages import Example


@dataclass(frozen=True)
class Settings:
    """Everything that a run depends on beside its data."""

    passages_a_batch: int = 64
    neighbours: int = 8
    rate: float = 1e-4
    warm_up: int = 20  # steps, a quarter of all at most
    decay: float = 0.01
    epochs: int = 1
    late_share: float = 1.0
    part: int = 32  # texts that are encoded at once
    seed: int = 17


def token_weights(texts: Texts, examples: list[Example], vocabulary: int) -> torch.Tensor:
    """How telling each token is: its inverse document frequency over the passages, as docent weighs it."""
    seen: Counter[int] = Counter()
    for encoding in texts.tokenizer.encode_batch([example.text for example in examples]):
        seen.update(set(encoding.ids))
    weights = torch.full((vocabulary,), math.log(1 + len(examples)))
    for token, count in seen.items():
        weights[token] = math.log(1 + len(examples) / count)
    return weights


def encode(model: torch.nn.Module, texts: Texts, strings: list[str], longest: int, part: int) -> tuple[torch.Tensor, Batch]:
    """Token vectors of all strings as one padded batch; encoded in parts of like length, which pads less."""
    whole = texts.batch(strings, longest)
    order = sorted(range(len(strings)), key=lambda index: int(whole.mask[index].sum()))
    rows: list[torch.Tensor | None] = [None] * len(strings)
    width = whole.ids.shape[1]
    for start in range(0, len(order), part):
        some = order[start : start + part]
        tokens = int(whole.mask[some].sum(1).max())
        piece = Batch(whole.ids[some, :tokens], whole.mask[some, :tokens], whole.telling[some, :tokens])
        vectors = torch.nn.functional.pad(token_vectors(model, piece), (0, 0, 0, width - tokens))
        for index, row in zip(some, vectors):
            rows[index] = row
    return torch.stack(rows), whole


def step_loss(model, texts: Texts, some: list[Example], weights: torch.Tensor, settings: Settings) -> tuple[torch.Tensor, torch.Tensor]:
    """Pooled and late loss of one batch."""
    read_vectors, read = encode(model, texts, [example.text for example in some], PASSAGE_TOKENS, settings.part)
    questions = [question for example in some for question in example.questions]
    answers = torch.from_numpy(targets(some))
    asked_vectors, asked = encode(model, texts, questions, QUESTION_TOKENS, 3 * settings.part)
    alike = pooled(asked_vectors, asked) @ pooled(read_vectors, read).T
    late = losses.late_scores(asked_vectors, asked, read_vectors, read, weights)
    return losses.contrastive(alike, answers, losses.POOLED_SCALE), losses.contrastive(late, answers, losses.LATE_SCALE)


def rate_at(step: int, steps: int, settings: Settings) -> float:
    """Linear warm-up, then half a cosine down to a twentieth."""
    warm_up = min(settings.warm_up, steps // 4)
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done))


def train(
    base: Path, tokenizer: Path, examples: list[Example], settings: Settings, state: Path, model: torch.nn.Module | None = None
) -> torch.nn.Module:
    """The model trained further, from `base` where there is none yet. Writes its state every 20 steps and at the end, and
    goes on from there if it is found."""
    torch.manual_seed(settings.seed)
    random.seed(settings.seed)
    model, texts = model or load(base), Texts(tokenizer)
    model.train()
    weights = token_weights(texts, examples, model.config.vocab_size)
    plan = [
        batch
        for epoch in range(settings.epochs)
        for batch in batches(examples, settings.passages_a_batch, settings.neighbours, settings.seed + epoch)
    ]
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.rate, weight_decay=settings.decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, len(plan), settings))
    first = resume(state, model, optimizer, schedule)
    started = time.monotonic()
    for step in range(first, len(plan)):
        pooled_loss, late_loss = step_loss(model, texts, [examples[index] for index in plan[step]], weights, settings)
        (pooled_loss + settings.late_share * late_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        seconds = time.monotonic() - started
        print(f"step {step + 1}/{len(plan)} pooled {pooled_loss.item():.3f} late {late_loss.item():.3f} {seconds:.0f} s", flush=True)
        if (step + 1) % 20 == 0 or step + 1 == len(plan):
            save(state, step + 1, model, optimizer, schedule)
    return model.eval()


def save(state: Path, step: int, model, optimizer, schedule) -> None:
    """Writes where training is; a state that is half-written is never read."""
    part = state.with_suffix(".part")
    parts = {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict()}
    torch.save(parts, part)
    part.replace(state)


def resume(state: Path, model, optimizer, schedule) -> int:
    """Goes back to a written state, and says at which step it is."""
    if not state.exists():
        return 0
    kept = torch.load(state, weights_only=True)
    model.load_state_dict(kept["model"])
    optimizer.load_state_dict(kept["optimizer"])
    schedule.load_state_dict(kept["schedule"])
    print(f"going on from step {kept['step']} of {state}", flush=True)
    return kept["step"]
