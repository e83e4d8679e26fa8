"""Approximate search: docent against hnswlib, usearch and an exact scan by faiss, on the same vectors in one run.

    just bench-ann                        # 100,000 x 384, two rounds: figures, and docs/index-performance.json
    python3 benches/ann.py --growth 10000 30000 100000
    python3 benches/ann.py --precision    # what vectors lose in fewer bits
    python3 benches/ann.py --plot         # docs/*.svg from the figures that are there

The vectors are synthetic. Each is the sum of a direction that all share, a topic, a subtopic and a remainder of its own,
each drawn from a normal distribution whose spread falls with the number of the axis, as it does for the principal axes
of sentence encoders, and then brought to unit length. Topics have sizes like words have frequencies (Zipf). Questions
are drawn in the same way from the same subtopics, and are no rows. All libraries get the vectors with their mean taken
away, and compare by cosine, as docent does by itself.

Rounds alternate between the libraries, since machines get faster and slower; what counts is the ratio.
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
WANTED = 0.99


def in_environment():
    """Runs this script again in a virtual environment that has the libraries."""
    python = WORK / "venv" / "bin" / "python"
    if Path(sys.prefix) == WORK / "venv":
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.execv(python, [str(python), *sys.argv])


def docent(*arguments, **options):
    command = ["cargo", "bench", "--quiet", "--locked", "--bench", "ann", "--", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)


def docent_once(*arguments):
    output, _ = docent(*arguments).communicate()
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
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    rows, questions = vectors(count), vectors(QUESTIONS)
    folder.mkdir(parents=True, exist_ok=True)
    rows.astype("<f4").tofile(folder / "vectors.f32")
    questions.astype("<f4").tofile(folder / "questions.f32")
    mean = rows.mean(axis=0)

    def centred(values):
        values = values - mean
        return np.ascontiguousarray(values / np.linalg.norm(values, axis=1, keepdims=True))

    return centred(rows), centred(questions)


def given(path):
    """The vectors in a file of `f32` rows, with the mean of all taken away; 500 of them as questions."""
    import numpy as np

    values = np.fromfile(path, "<f4").reshape(-1, DIMENSIONS)
    values = values[np.random.default_rng(1).permutation(len(values))]
    return values[500:], values[:500]


def precision(rows, questions):
    """recall@10 of an exact scan over vectors in fewer bits, and what is left after the best 40 are scored again."""
    import numpy as np

    mean = rows.mean(axis=0)

    def scores(values):
        values, asked = values - mean, questions - mean
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        return (asked / np.linalg.norm(asked, axis=1, keepdims=True)) @ values.T

    def best(scores, count):
        return np.argpartition(-scores, count, axis=1)[:, :count]

    def recall(found):
        return float(np.mean([len(set(one) & set(other)) / 10 for one, other in zip(found.tolist(), truth.tolist())]))

    # As src/index/planes.rs has it.
    largest = 32_639
    scale = (np.abs(rows).max(1) / np.float32(largest)).astype(np.float32)
    scale = ((scale.view(np.uint32) + np.uint32(0xFFFFF)) & np.uint32(0xFFF00000)).view(np.float32)[:, None]
    codes = np.clip(np.round(rows / scale), -largest, largest).astype(np.int32)
    eighths = np.abs(rows).max(1, keepdims=True) / 127
    kinds = {
        "f16": rows.astype(np.float16).astype(np.float32),
        "int8": (np.round(rows / eighths) * eighths).astype(np.float32),
        "16 bits in two planes": codes * scale,
        "the high plane alone": ((codes + 128) >> 8) * (256 * scale),
    }
    exact, whole = scores(rows), scores(kinds["16 bits in two planes"])
    truth = best(exact, 10)
    for name, values in kinds.items():
        found = scores(values)
        near = best(found, 40)
        again = np.take_along_axis(near, best(np.take_along_axis(whole, near, 1), 10), 1)
        error = np.abs(found - exact).max()
        print(f"{name:24} recall {recall(best(found, 10)):.4f}  largest error {error:.1e}  40 scored again {recall(again):.4f}")


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


def build_usearch(rows, threads):
    import numpy as np
    from usearch.index import Index

    index = Index(ndim=DIMENSIONS, metric="ip", dtype="f32", connectivity=16, expansion_add=200)
    started = time.perf_counter()
    index.add(np.arange(len(rows)), rows, threads=threads)
    return index, time.perf_counter() - started


def search_hnswlib(index, questions, effort):
    index.set_ef(max(effort, 10))
    started = time.perf_counter()
    found, _ = index.knn_query(questions, k=10, num_threads=1)
    return found.tolist(), (time.perf_counter() - started) / len(questions) * 1e6


def search_usearch(index, questions, effort):
    index.expansion_search = max(effort, 10)
    started = time.perf_counter()
    found = index.search(questions, 10, threads=1)
    return found.keys.tolist(), (time.perf_counter() - started) / len(questions) * 1e6


class Docent:
    """A process of docent's that answers all questions for each line it reads."""

    def __init__(self, folder):
        self.process = docent("search", folder, stdin=subprocess.PIPE)

    def search(self, effort):
        self.process.stdin.write(f"{effort}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer["found"], answer["mean"]


def at_recall(curve, wanted=WANTED):
    """Microseconds at a recall, on the line between the two measured points around it."""
    points = sorted((effort, *values) for effort, values in curve.items())
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


def compare(count, rounds, threads):
    folder = WORK / str(count)
    rows, questions = draw(count, folder)
    truth = Truth(rows, questions)
    builds = {"docent": [], "hnswlib": [], "hnswlib at equal recall": [], "usearch": []}
    for _ in range(rounds):
        ours = docent_once("build", folder, threads)
        builds["docent"].append(ours["graph_seconds"])
        theirs, seconds = build_hnswlib(rows, threads, 200)
        builds["hnswlib"].append(seconds)
        other, seconds = build_usearch(rows, threads)
        builds["usearch"].append(seconds)
    process = Docent(folder)
    searches = {
        "docent": process.search,
        "hnswlib": lambda effort: search_hnswlib(theirs, questions, effort),
        "usearch": lambda effort: search_usearch(other, questions, effort),
    }
    found = curves(searches, truth, rounds)
    scans = [(process.search("scan"), truth.microseconds()) for _ in range(rounds)]
    default = ours["graph"]["ef_search"]
    figures = {
        "chunks": count,
        "build": ours,
        "build_seconds": {name: min(times) for name, times in builds.items() if times},
        "curves": found,
        "at_recall": {name: at_recall(curve) for name, curve in found.items()},
        "default": {"ef_search": default, "recall": truth.recall(process.search(default)[0])},
        "scan": {
            "recall": truth.recall(scans[0][0][0]),
            "docent": min(ours[1] for ours, _ in scans),
            "faiss": min(theirs for _, theirs in scans),
        },
        "open": docent_once("open", folder),
        "bytes_per_chunk": (ours["vector_bytes"] + ours["graph_bytes"]) / count,
    }
    process.process.stdin.close()
    figures["equal"] = equal_recall(rows, questions, truth, found, threads)
    return figures


def equal_recall(rows, questions, truth, found, threads):
    """The cheapest of a few builds of hnswlib that finds as much as docent's graph with the same effort."""
    wanted = found["docent"][64][0]
    for effort in [40, 60, 80, 100, 120, 160, 200]:
        index, seconds = build_hnswlib(rows, threads, effort)
        recall = truth.recall(search_hnswlib(index, questions, 64)[0])
        if recall >= wanted or effort == 200:
            return {"ef_construction": effort, "seconds": seconds, "recall_at_64": recall, "docent_at_64": wanted}


def report(figures):
    ours, theirs = figures["at_recall"]["docent"], figures["at_recall"]["hnswlib"]
    print(f"chunks                             {figures['chunks']}")
    print(f"microseconds at recall@10 {WANTED}     " + ", ".join(f"{n} {t:.0f}" for n, t in figures["at_recall"].items() if t))
    if ours and theirs:
        print(f"hnswlib / docent                   {theirs / ours:.2f} (target 1.5)")
    equal = figures["equal"]
    print("seconds to build                   " + ", ".join(f"{n} {t:.1f}" for n, t in figures["build_seconds"].items()))
    print(f"docent / hnswlib at equal recall   {figures['build_seconds']['docent'] / equal['seconds']:.2f} (target 1.5; {equal})")
    print(f"recall at the default effort       {figures['default']}")
    print(f"exact scan, microseconds           {figures['scan']}")
    print(f"opening                            {figures['open']}")
    print(f"bytes a chunk beside the text      {figures['bytes_per_chunk']:.0f}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--count", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--growth", type=int, nargs="*", help="numbers of chunks; docent and the exact scans only")
    arguments.add_argument("--precision", nargs="?", const="", metavar="FILE", help="of synthetic vectors, or of the `f32` rows in FILE")
    arguments.add_argument("--plot", action="store_true", help="only draw what was measured before")
    options = arguments.parse_args()
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    if not options.plot:
        in_environment()
        if options.precision is not None:
            folder = WORK / "precision"
            if not options.precision:
                draw(13_000, folder)
            return precision(*given(options.precision or folder / "vectors.f32"))
        if options.growth:
            figures["growth"] = [growth(count, options.threads) for count in options.growth]
        else:
            figures["comparison"] = compare(options.count, options.rounds, options.threads)
            report(figures["comparison"])
        figures["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
        figures["date"] = time.strftime("%Y-%m-%d")
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
    import ann_plots

    ann_plots.draw(figures, ROOT / "docs")


def growth(count, threads):
    folder = WORK / str(count)
    rows, questions = draw(count, folder)
    truth = Truth(rows, questions)
    built = docent_once("build", folder, threads)
    process = Docent(folder)
    curve = {effort: (truth.recall(found), took) for effort in EFFORTS for found, took in [process.search(effort)]}
    scan = process.search("scan")[1]
    process.process.stdin.close()
    point = {
        "chunks": count,
        "build": built,
        "at_95": at_recall(curve, 0.95),
        "at_99": at_recall(curve),
        "default": process_default(curve, built),
        "scan": scan,
        "open": docent_once("open", folder),
    }
    print(json.dumps(point), flush=True)
    return point


def process_default(curve, built):
    return curve.get(built["graph"]["ef_search"])


if __name__ == "__main__":
    main()
