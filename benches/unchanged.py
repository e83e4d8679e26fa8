"""How long `docent index` takes where nothing has changed, beside `find`, which does no more than look at each file.

    python3 benches/unchanged.py [--docent target/release/docent] [--files 10000] [--rounds 9]

Makes documents in a temporary folder, an hour old, indexes them with the model `hashing`, which needs no download, and then
lets both look at them in turns. Times are of whole processes, in milliseconds, with files that the system has in memory.
(docent reads files that were changed within seconds of being indexed again: their time says nothing yet.)
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = 100


def write(source, files):
    written = time.time() - 3600
    for number in range(files):
        folder = source / str(number // FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        page = folder / f"page-{number}.md"
        page.write_text(f"# Page {number}\n\nWhat page {number} has to say.\n")
        os.utime(page, (written, written))


def milliseconds(command):
    started = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return (time.perf_counter() - started) * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docent", type=pathlib.Path, default=ROOT / "target/release/docent")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, index = pathlib.Path(folder, "source"), pathlib.Path(folder, "index")
        write(source, options.files)
        docent = options.docent.resolve()
        first = milliseconds([docent, "index", source, "--index", index, "--model", "hashing"])
        ours, theirs = [], []
        for _ in range(options.rounds):
            theirs.append(milliseconds(["find", source, "-type", "f", "-printf", "%s %T@\n"]))
            ours.append(milliseconds([docent, "index", source, "--index", index]))
        generations = sorted(path.name for path in index.glob("gen-*"))
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    assert len(generations) == 1, f"a run without changes wrote a generation: {generations}"
    print(f"{options.files:,} files, built in {first:.0f} ms")
    print(f"find {theirs:.1f} ms, docent index {ours:.1f} ms (medians of {options.rounds})")
    print(f"docent by find {ours / theirs:.2f} x; by 3 x find + 150 ms {ours / (3 * theirs + 150):.2f} x (below 1 wanted)")


main()
