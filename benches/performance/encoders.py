"""One encoder over a file of texts, in a process of its own: its texts a second and its memory, as JSON.

    encoders.py fastembed|sentence-transformers|onnxruntime TEXTS MODEL [--batch N] [--one-by-one]

TEXTS has one JSON string a line; MODEL is a folder with model.onnx and tokenizer.json (for sentence-transformers one
with model.safetensors). Loading the model and a first text are not timed. Texts are cut at 256 tokens.
"""

import argparse
import json
import pathlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from servers import memory

MAX_TOKENS = 256
SESSIONS = 2


def fastembed(model, batch):
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    TextEmbedding.add_custom_model(
        model="bench/minilm", pooling=PoolingType.MEAN, normalization=True, sources=ModelSource(hf="bench/minilm"),
        dim=384, model_file="model.onnx",
    )
    encoder = TextEmbedding("bench/minilm", specific_model_path=str(model))
    return lambda texts: list(encoder.embed(texts, **({"batch_size": batch} if batch else {})))


def sentence_transformers(model, batch):
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(model), device="cpu", local_files_only=True)
    encoder.max_seq_length = MAX_TOKENS
    return lambda texts: encoder.encode(texts, **({"batch_size": batch} if batch else {}))


def onnxruntime(model, batch):
    """One text a run on sessions of one thread (batch 0), or batches of texts of like length on all threads."""
    import numpy
    import onnxruntime as ort
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)

    def session(threads):
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        return ort.InferenceSession(str(model / "model.onnx"), options, providers=["CPUExecutionProvider"])

    sessions = [session(1) for _ in range(SESSIONS)] if batch == 0 else [session(SESSIONS)]
    names = [wanted.name for wanted in sessions[0].get_inputs()]

    def run(number, rows):
        width = max(map(len, rows))
        ids = numpy.array([row + [0] * (width - len(row)) for row in rows], numpy.int64)
        mask = numpy.array([[1] * len(row) + [0] * (width - len(row)) for row in rows], numpy.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        sessions[number].run(None, {name: given[name] for name in names})

    def encode(texts):
        rows = sorted((encoded.ids for encoded in tokenizer.encode_batch(texts)), key=len)
        size = max(batch, 1)
        batches = [rows[at:at + size] for at in range(0, len(rows), size)]
        with ThreadPoolExecutor(len(sessions)) as pool:
            shares = [batches[number::len(sessions)] for number in range(len(sessions))]
            list(pool.map(lambda number: [run(number, rows) for rows in shares[number]], range(len(sessions))))

    return encode


def one_by_one(model, texts):
    """Median seconds of ONNX Runtime alone for each text by itself, tokenised beforehand, on all threads."""
    import numpy
    import onnxruntime as ort
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    options = ort.SessionOptions()
    options.intra_op_num_threads = SESSIONS
    session = ort.InferenceSession(str(model / "model.onnx"), options, providers=["CPUExecutionProvider"])
    names = [wanted.name for wanted in session.get_inputs()]
    times = []
    for text in texts:
        ids = numpy.array([tokenizer.encode(text).ids], numpy.int64)
        given = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
        given = {name: given[name] for name in names}
        started = time.perf_counter()
        session.run(None, given)
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("encoder", choices=["fastembed", "sentence-transformers", "onnxruntime"])
    parser.add_argument("texts", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--one-by-one", action="store_true", help="median time of a text by itself")
    arguments = parser.parse_args()
    texts = [json.loads(line) for line in arguments.texts.read_text().splitlines()]
    if arguments.one_by_one:
        print(json.dumps({"p50": one_by_one(arguments.model, texts)}))
        return
    make = {"fastembed": fastembed, "sentence-transformers": sentence_transformers, "onnxruntime": onnxruntime}
    encode = make[arguments.encoder](arguments.model, arguments.batch)
    encode(texts[:1])
    loaded = memory("self", "VmRSS")[0]
    started = time.perf_counter()
    encode(texts)
    seconds = time.perf_counter() - started
    peak = memory("self", "VmHWM")[0]
    print(json.dumps({"texts_per_second": len(texts) / seconds, "loaded": loaded, "peak": peak}))


if __name__ == "__main__":
    sys.exit(main())
