"""The encoder in PyTorch, and texts to tokens as docent does it."""

from __future__ import annotations

import string
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

PASSAGE_TOKENS, QUESTION_TOKENS = 144, 40


@dataclass
class Batch:
    """Padded token ids and their mask, each [texts, tokens]."""

    ids: torch.Tensor
    mask: torch.Tensor
    telling: torch.Tensor  # tokens that late interaction looks at: neither special nor punctuation


class Texts:
    """Texts to batches of tokens."""

    def __init__(self, tokenizer: Path) -> None:
        self.tokenizer = Tokenizer.from_file(str(tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        special = {"[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"} | set(string.punctuation)
        self.silent = {self.tokenizer.token_to_id(token) for token in special} - {None}

    def batch(self, texts: list[str], longest: int) -> Batch:
        """One padded batch, each text cut to `longest` tokens with its special ones."""
        rows = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        rows = [row if len(row) <= longest else row[: longest - 1] + row[-1:] for row in rows]
        width = max(map(len, rows))
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        mask = torch.zeros(len(rows), width)
        telling = torch.zeros(len(rows), width)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = torch.tensor(row)
            mask[index, : len(row)] = 1
            telling[index, : len(row)] = torch.tensor([float(token not in self.silent) for token in row])
        return Batch(ids, mask, telling)


def load(folder: Path) -> BertModel:
    """The model of a folder with config.json and model.safetensors."""
    config = BertConfig.from_pretrained(folder)
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    return BertModel.from_pretrained(folder, config=config, add_pooling_layer=False, dtype=torch.float32)


def token_vectors(model: BertModel, batch: Batch) -> torch.Tensor:
    """[texts, tokens, 384], not normalised."""
    return model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state


def pooled(vectors: torch.Tensor, batch: Batch) -> torch.Tensor:
    """The mean over a text's tokens at unit length, [texts, 384]."""
    mask = batch.mask.unsqueeze(-1)
    return torch.nn.functional.normalize((vectors * mask).sum(1) / mask.sum(1), dim=-1)
