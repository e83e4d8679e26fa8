"""Vectors of an exported encoder by ONNX Runtime in Python: what the tests of docent compare its own with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import onnxruntime
from tokenizers import Tokenizer

SAMPLES = (
    "How do I rotate a signing key without downtime?",
    "Rate limits > Retries\nA request over the limit is answered with status 429 and says when to try again.",
    "def chunked(items, size): yield lists of at most size items",
    "refresh_token expired",
    "The index is written to a new folder and named by the manifest last, so that a crash leaves the old one whole.",
)


class Encoder:
    """An exported encoder."""

    def __init__(self, model: Path, tokenizer: Path, longest: int = 256) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(longest)

    def tokens(self, text: str) -> numpy.ndarray:
        """[tokens, hidden]."""
        ids = numpy.array([self.tokenizer.encode(text).ids], numpy.int64)
        feed = {"input_ids": ids, "attention_mask": numpy.ones_like(ids)}
        wanted = {entry.name for entry in self.session.get_inputs()}
        return self.session.run(["last_hidden_state"], {name: feed[name] for name in wanted})[0][0]

    def vector(self, text: str) -> numpy.ndarray:
        """The mean over the tokens at unit length, [hidden]."""
        mean = self.tokens(text).mean(0)
        return mean / numpy.linalg.norm(mean)


def write(model: Path, tokenizer: Path, path: Path) -> None:
    """Writes the vectors of the samples to a JSON file."""
    encoder = Encoder(model, tokenizer)
    entries = [{"text": text, "vector": [round(float(value), 5) for value in encoder.vector(text)]} for text in SAMPLES]
    path.write_text(json.dumps(entries) + "\n", encoding="utf-8")


def agreement(one: Encoder, other: Encoder) -> float:
    """The least cosine between two encoders over the samples."""
    return min(float(one.vector(text) @ other.vector(text)) for text in SAMPLES)
