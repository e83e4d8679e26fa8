"""Approximate search: docent against hnswlib, usearch and an exact scan by faiss, on the same vectors.

    just bench-ann                        # all steps on 100,000 x 384: docs/index-performance.json and the plots
    python3 benches/ann.py --step search  # one of: docent, hnswlib, usearch, search, growth
    python3 benches/ann.py --step growth --counts 10000 30000 100000 300000
    python3 benches/ann.py --precision FILE    # what vectors (rows of `f32` in a file) lose in fewer bits
    python3 benches/ann.py --plot         # the plots from the figures that are there

The vectors are synthetic. Each is the sum of a direction that all share, a topic, a subtopic and a remainder of its own,
each drawn from a normal distribution whose spread falls with the number of the axis, as it does for the principal axes
of sentence encoders, and then brought to unit length. Topics have sizes like words have frequencies (Zipf). Questions
are drawn in the same way from the same subtopics, and are no rows. All libraries get the vectors with their mean taken
away, and compare by cosine, as docent does by itself.

In the search step the libraries take turns, since machines get faster and slower; what counts is the ratio. A build
leaves its index under target/bench-ann for that step.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "bench-ann"
FIGURES = ROOT / "docs" / "index-performance.json"
PACKAGES = ["numpy", "hnswlib==0.8.0", "usearch==2.26.6", "faiss-cpu==1.15.1"]
DIMENSIONS = 384
QUESTIONS = 1_000
EFFORTS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384]
# Efforts of builds of hnswlib; the cheapest that finds as much as docent's graph is the one to compare with.
BUILD_EFFORTS = [40, 60, 80, 100, 140, 300, 200]
# The effort of the search by which builds are compared.
COMMON = 64
WANTED = 0.99
STEPS = ["docent", "hnswlib", "usearch", "search", "growth"]


def in_environment():
    """Runs this script again in a virtual environment that has the libraries."""
    python = WORK / "venv" / "bin" / "python"
    if Path(sys.prefix) == WORK / "venv":
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.execv(python, [str(python), *sys.argv])


def executable():
    """The bench's program, built where it has to be; `DOCENT_ANN` names one that is there."""
    if "DOCENT_ANN" in os.environ:
        return os.environ["DOCENT_ANN"]
    command = ["cargo", "bench", "--quiet", "--locked", "--bench", "ann", "--no-run", "--message-format", "json"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    messages = (json.loads(line) for line in output.splitlines())
    return [message["executable"] for message in messages if message.get("executable")][-1]


def docent(*arguments):
    command = [executable(), *map(str, arguments)]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(output.splitlines()[-1])


def draw(count, folder):
    """Writes vectors and questions; returns both with the mean taken away, of unit length."""
    import numpy as np

    random = np.random.default_rng(7)
    spread = (np.arange(1, DIMENSIONS + 1) ** -0.42).astype(np.float32)

    def normal(rows):
        return random.standard_normal((rows, DIMENSIONS), dtype=np.float32) * spread

    topics = normal(400)
    topic_of = random.integers(0, len(topics), 6_000)
    subtopics = topics[topic_of] + 0.8 * normal(len(topic_of))
    shares = 1.0 / np.arange(1, len(subtopics) + 1) ** 0.7
    shares /= shares.sum()
    shared = 1.5 * normal(1)

    def vectors(rows):
        chosen = random.choice(len(subtopics), rows, p=shares)
        drawn = shared + subtopics[chosen] + normal(rows)
        drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
        return drawn

    return kept(vectors(count), vectors(QUESTIONS), folder)


def given(path, folder):
    """The same of the vectors in a file, of which 500 are the questions."""
    import numpy as np

    values = np.fromfile(path, "<f4").reshape(-1, DIMENSIONS)
    values = values[np.random.default_rng(1).permutation(len(values))]
    return kept(values[500:], values[:500], folder)


def kept(rows, questions, folder):
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    rows.astype("<f4").tofile(folder / "vectors.f32")
    questions.astype("<f4").tofile(folder / "questions.f32")
    mean = rows.mean(axis=0)

    def centre(values):
        values -= mean
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        return values

    return centre(rows), centre(questions)


def precision(path):
    """recall@10 of an exact scan over vectors in fewer bits, and what is left after the best 40 are scored again."""
    import numpy as np

    values = np.fromfile(path, "<f4").reshape(-1, DIMENSIONS)
    values = values[np.random.default_rng(1).permutation(len(values))]
    rows, questions = values[500:], values[:500]
    mean = rows.mean(axis=0)

    def scores(values):
        values, asked = values - mean, questions - mean
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        return (asked / np.linalg.norm(asked, axis=1, keepdims=True)) @ values.T

    def best(scores, count):
        return np.argsort(-scores, axis=1)[:, :count]

    def recall(found):
        return np.mean([len(set(one) & set(other)) / 10 for one, other in zip(best(exact, 10), found)])

    largest = np.abs(rows).max(axis=1, keepdims=True)
    scale, eighths = largest / 32_639, largest / 127
    codes = np.round(rows / scale).astype(np.int32)
    kinds = {
        "f16": rows.astype(np.float16).astype(np.float32),
        "two planes": codes * scale,
        "int8": (np.round(rows / eighths) * eighths).astype(np.float32),
        "the high plane alone": ((codes + 128) >> 8) * (256 * scale),
    }
    exact, whole = scores(rows), scores(kinds["two planes"])
    for name, values in kinds.items():
        found = scores(values)
        near = best(found, 40)
        again = np.take_along_axis(near, best(np.take_along_axis(whole, near, 1), 10), 1)
        error = np.abs(found - exact).max()
        print(f"{name:22} recall {recall(best(found, 10)):.4f}  largest error {error:.1e}  40 scored again {recall(again):.4f}")


class Truth:
    """The ten best by an exact scan, which is also timed."""

    def __init__(self, rows, questions):
        import faiss

        faiss.omp_set_num_threads(1)
        self.index = faiss.IndexFlatIP(DIMENSIONS)
        self.index.add(rows)
        self.questions = questions
        self.found = [set(found) for found in self.index.search(questions, 10)[1].tolist()]

    def recall(self, found):
        hits = sum(len(truth.intersection(best)) for truth, best in zip(self.found, found))
        return hits / (10 * len(self.found))

    def microseconds(self):
        # One question at a time, as docent answers them.
        started = time.perf_counter()
        for question in self.questions[:100]:
            self.index.search(question[None, :], 10)
        return (time.perf_counter() - started) / 100 * 1e6


def build_hnswlib(rows, threads, effort):
    import hnswlib

    index = hnswlib.Index(space="ip", dim=DIMENSIONS)
    index.init_index(max_elements=len(rows), ef_construction=effort, M=16)
    started = time.perf_counter()
    index.add_items(rows, num_threads=threads)
    return index, time.perf_counter() - started


def search_hnswlib(index, questions, effort):
    index.set_ef(max(effort, 10))
    started = time.perf_counter()
    found, _ = index.knn_query(questions, k=10, num_threads=1)
    return found.tolist(), (time.perf_counter() - started) / len(questions) * 1e6


def build_usearch(rows, threads):
    import numpy as np
    from usearch.index import Index

    index = Index(ndim=DIMENSIONS, metric="ip", dtype="f32", connectivity=16, expansion_add=200)
    started = time.perf_counter()
    index.add(np.arange(len(rows)), rows, threads=threads)
    return index, time.perf_counter() - started


def search_usearch(index, questions, effort):
    index.expansion_search = max(effort, 10)
    started = time.perf_counter()
    found = index.search(questions, 10, threads=1)
    return found.keys.tolist(), (time.perf_counter() - started) / len(questions) * 1e6


class Docent:
    """A process of docent's that answers all questions for each line it reads."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            [executable(), "search", str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def search(self, effort):
        self.process.stdin.write(f"{effort}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["found"], answer["mean"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def at_recall(curve, wanted=WANTED):
    """Microseconds at a recall, on the line between the two measured points around it."""
    points = sorted((int(effort), *values) for effort, values in curve.items())
    for (_, before, fast), (_, after, slow) in zip(points, points[1:]):
        if before < wanted <= after:
            return fast + (slow - fast) * (wanted - before) / (after - before)
    return points[0][2] if points and points[0][1] >= wanted else None


def curves(searches, truth, rounds):
    """For each library and effort its recall and least time over the rounds, which take turns."""
    best = {name: {} for name in searches}
    for _ in range(rounds):
        for effort in EFFORTS:
            for name, search in searches.items():
                found, took = search(effort)
                before = best[name].get(effort, (0, float("inf")))[1]
                best[name][effort] = (truth.recall(found), min(took, before))
    return best


def step_docent(options, folder, figures):
    draw(options.count, folder)
    built = docent("build", folder, options.threads, *options.settings)
    figures["docent"] = {**built, "open": docent("open", folder)}
    size = (built["vector_bytes"] + built["graph_bytes"]) / built["chunks"]
    print(f"bytes a chunk beside the text      {size:.0f}")
    print(f"seconds to build the graph         {built['graph_seconds']:.1f}, {built['graph']}")
    print(f"opening                            {figures['docent']['open']}")


def step_hnswlib(options, folder, figures):
    """Builds until hnswlib finds as much as docent's graph by the same effort, and with an effort of 200."""
    rows, questions = draw(options.count, folder)
    truth = Truth(rows, questions)
    process = Docent(folder)
    wanted = truth.recall(process.search(COMMON)[0])
    process.close()
    ours = figures["docent"]["graph_seconds"]
    builds = figures["hnswlib"] = {}
    for effort in BUILD_EFFORTS:
        reached = any(point["recall"] >= wanted for point in builds.values())
        if reached and effort != BUILD_EFFORTS[-1]:
            continue
        index, seconds = build_hnswlib(rows, options.threads, effort)
        recall = truth.recall(search_hnswlib(index, questions, COMMON)[0])
        builds[effort] = {"recall": recall, "seconds": seconds}
        print(f"hnswlib, ef_construction {effort}: recall {recall:.4f} (docent {wanted:.4f}), {seconds:.1f} s")
    index.save_index(str(folder / "hnswlib.bin"))
    figures["docent"]["recall_at_common"] = wanted
    equal = [point["seconds"] for point in builds.values() if point["recall"] >= wanted]
    if equal:
        print(f"build, docent / hnswlib at equal recall   {ours / min(equal):.2f} (target 1.5)")


def step_usearch(options, folder, figures):
    rows, _ = draw(options.count, folder)
    index, seconds = build_usearch(rows, options.threads)
    index.save(str(folder / "usearch.bin"))
    figures["usearch"] = {"seconds": seconds}
    print(f"seconds to build usearch           {seconds:.1f}")


def step_search(options, folder, figures):
    import hnswlib
    from usearch.index import Index

    rows, questions = draw(options.count, folder)
    truth = Truth(rows, questions)
    theirs = hnswlib.Index(space="ip", dim=DIMENSIONS)
    theirs.load_index(str(folder / "hnswlib.bin"))
    other = Index.restore(str(folder / "usearch.bin"))
    process = Docent(folder)
    searches = {
        "docent": process.search,
        "hnswlib": lambda effort: search_hnswlib(theirs, questions, effort),
        "usearch": lambda effort: search_usearch(other, questions, effort),
    }
    found = curves(searches, truth, options.rounds)
    scans = [(process.search("scan"), truth.microseconds()) for _ in range(2)]
    default = figures["docent"]["graph"]["ef_search"]
    by_default = process.search(default)
    figures["search"] = {
        "curves": found,
        "at_recall": {name: at_recall(curve) for name, curve in found.items()},
        "default": {"ef_search": default, "recall": truth.recall(by_default[0]), "microseconds": by_default[1]},
        "scan": {
            "recall": truth.recall(scans[0][0][0]),
            "docent": min(ours[1] for ours, _ in scans),
            "faiss": min(theirs for _, theirs in scans),
        },
    }
    process.close()
    # The largest size of the growth need not be built twice.
    add_point(figures, {
        "chunks": options.count,
        "build": {key: value for key, value in figures["docent"].items() if key != "open"},
        "at_95": at_recall(found["docent"], 0.95),
        "at_99": at_recall(found["docent"]),
        "default": figures["search"]["default"],
        "scan": figures["search"]["scan"]["docent"],
        "open": figures["docent"]["open"],
    })
    times = figures["search"]["at_recall"]
    print(f"microseconds at recall@10 {WANTED}     " + ", ".join(f"{n} {t:.0f}" for n, t in times.items() if t))
    if times["docent"] and times["hnswlib"]:
        print(f"hnswlib / docent                   {times['hnswlib'] / times['docent']:.2f} (target 1.5)")
    print(f"recall at the default effort       {figures['search']['default']}")
    print(f"exact scan, microseconds           {figures['search']['scan']}")


def step_growth(options, _folder, figures):
    if options.vectors:
        figures["given"] = growth(0, options)
        return
    for count in options.counts:
        add_point(figures, growth(count, options))
        save(figures)


def add_point(figures, point):
    others = [other for other in figures.get("growth", []) if other["chunks"] != point["chunks"]]
    figures["growth"] = sorted([*others, point], key=lambda point: point["chunks"])


def growth(count, options):
    folder = WORK / str(count)
    rows, questions = given(options.vectors, folder) if options.vectors else draw(count, folder)
    truth = Truth(rows, questions)
    del rows
    built = docent("build", folder, options.threads, *options.settings)
    process = Docent(folder)
    curve = {}
    for effort in EFFORTS:
        found, took = process.search(effort)
        curve[effort] = (truth.recall(found), took)
    default = built["graph"]["ef_search"]
    found, took = process.search(default)
    point = {
        "chunks": built["chunks"],
        "build": built,
        "at_95": at_recall(curve, 0.95),
        "at_99": at_recall(curve),
        "default": {"ef_search": default, "recall": truth.recall(found), "microseconds": took},
        "scan": process.search("scan")[1],
        "open": docent("open", folder),
    }
    process.close()
    print(json.dumps(point), flush=True)
    return point


def save(figures):
    figures["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--count", type=int, default=100_000)
    arguments.add_argument("--step", choices=STEPS, action="append", help="all of them if none is given")
    arguments.add_argument("--counts", type=int, nargs="*", default=[1_000, 3_000, 10_000, 30_000], help="sizes for the growth, besides that of --count")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--settings", nargs="*", default=[], help="docent's connections, ef_construction, ef_search")
    arguments.add_argument("--precision", metavar="FILE", help="of rows of `f32`")
    arguments.add_argument("--vectors", metavar="FILE", help="rows of `f32` for the growth, instead of synthetic ones")
    arguments.add_argument("--plot", action="store_true", help="only draw what was measured before")
    options = arguments.parse_args()
    in_environment()
    if options.precision:
        return precision(options.precision)
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for step in [] if options.plot else options.step or STEPS:
        globals()[f"step_{step}"](options, WORK / str(options.count), figures)
        save(figures)
    import ann_plots

    ann_plots.draw(figures, ROOT / "docs")


if __name__ == "__main__":
    main()
