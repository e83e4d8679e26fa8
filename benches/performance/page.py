"""docs/performance.md and its plots, from the figures of one run."""

import pathlib


def bars(path, title, rows, unit, line=None):
    """Horizontal bars, docent's own in another colour."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "docent"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 0.45 * len(rows) + 1.1))
    names, values = [name for name, _ in rows][::-1], [value for _, value in rows][::-1]
    colours = ["#1f6f8b" if name.startswith("docent") else "#b9c4c9" for name in names]
    drawn = axes.barh(names, values, color=colours)
    axes.bar_label(drawn, [f"{value:,.0f}" if value >= 20 else f"{value:.1f}" for value in values], padding=3)
    axes.set_title(title, loc="left")
    axes.set_xlabel(unit)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.15)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def growth(path, rows):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "docent"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3.6))
    sizes = [row["chunks"] for row in rows]
    axes.plot(sizes, [row["p50"] for row in rows], "o-", color="#1f6f8b", label="p50")
    axes.plot(sizes, [row["p95"] for row in rows], "o--", color="#1f6f8b", label="p95")
    axes.plot(sizes, [row["every_vector_read_once"] for row in rows], "s:", color="#8a979c", label="every vector read once")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("chunks")
    axes.set_ylabel("milliseconds beyond the embedding")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def best(ratios, prefixes):
    """The lowest of docent's ratios to those rivals: the one to the fastest."""
    return min((ratio, label) for label, ratio in ratios.items() if label.startswith(prefixes))


def summary(results):
    rows = []
    for name, words in (("workos", "442 pages"), ("markdown", "10 MB of Markdown")):
        if name not in results:
            continue
        ratios, peak = results[name]["ratio"], results[name]["peak"]
        rival, label = best(ratios, ("fastembed", "sentence-transformers"))
        rows.append((f"indexing {words}, tokens a second", f"the fastest Python encoder ({label})", "3.5 x or more", f"{rival:.2f} x"))
        f32, label = best(ratios, "ONNX Runtime f32")
        rows.append(("the same", f"{label}", "2 x or more", f"{f32:.2f} x"))
        rows.append(("the same", "ONNX Runtime int8, one text a run, encoding only", "0.9 x or more",
                     f"{ratios['ONNX Runtime int8, one text a run']:.2f} x"))
        rows.append((f"indexing {words}, peak memory", "Python fastembed with its model loaded, idle", "0.5 x or less",
                     f"{peak['docent'] / peak['fastembed, loaded']:.2f} x"))
    asked, started, clients = results["question"], results["starting"], results["clients"]
    loaded = results["workos"]["peak"]["fastembed, loaded"]
    rows += [
        ("one question over MCP, p50", "ONNX Runtime f32 alone on it", "1.25 x or less", f"{asked['ratio']['f32 p50']:.2f} x"),
        ("the same", "ONNX Runtime int8 alone on it", "-", f"{asked['ratio']['int8 p50']:.2f} x"),
        ("the same", "the original server's substring search", "below 1 x", f"{asked['ratio']['original p50']:.2f} x"),
        ("start to the answer to `initialize`", "the original server's", "5 x faster", f"{started['ratio']['initialize']:.1f} x faster"),
        ("start to the first answer, by words alone where the model is not there yet", "the original server's", "faster", f"{started['ratio']['first answer']:.1f} x faster"),
        ("start to the first answer by meaning too", "the original server's", "faster", f"{started['ratio']['whole answer']:.1f} x faster"),
        ("memory of a server", "Python fastembed with its model loaded, idle", "0.5 x or less", f"{asked['memory']['now'] / loaded:.2f} x"),
        ("8 clients over HTTP, questions a second", "one client", "1.8 x or more", f"{clients['ratio']:.2f} x"),
        ("8 clients over HTTP, p99", "their p50", "4 x or less", f"{clients['p99 by p50']:.1f} x"),
        ("`docent ask`, process start to answer", "-", "under 500 ms", f"{started['ms']['docent ask']:.0f} ms"),
        ("release binary", "-", "under 40 MB", f"{results['binary'] / 1e6:.1f} MB"),
    ]
    sizes = results["growth"]
    embedding = asked["ms"]["int8 p50"]
    for row in sizes[1:]:
        grown = (row["p50"] + embedding) / (sizes[0]["p50"] + embedding)
        rows.append((f"one question at {row['chunks']:,} chunks, embedding included", f"at {sizes[0]['chunks']:,}",
                     "1.5 x or less" if row["chunks"] == 100_000 else "-", f"{grown:.2f} x"))
    return rows


def indexed(results, name):
    found = results[name]
    rows = [(label, f"{rate:,.0f}", f"{found['ratio'][label]:.2f} x", f"{found['peak'][label]:,.0f} MB")
            for label, rate in found["tokens_per_second"].items()]
    return [f"{found['chunks']:,} chunks of {found['tokens_a_chunk']:.0f} tokens; the index takes "
            f"{found['index_bytes'] / 1e6:.1f} MB; a second run without changes {found['again_seconds']:.2f} s.", "",
            *table(("", "tokens a second", "docent is faster by", "peak memory"), rows), ""]


TOP = """# Performance

docent beside its rivals and its limits. Every figure is a ratio of two that were taken in one run on one machine, in
rounds that alternate; the median of the rounds' ratios counts. One command makes this page, and installs what it
compares with; `--only` runs single sections, and leaves the other figures as they were:

```sh
just bench-performance
```
"""

HOW = """## How it is measured

- **Indexing** is `docent index` from the start of the process to its end: reading, cutting, embedding, words, writing. The
  Python encoders and ONNX Runtime embed a sample of the same chunks (breadcrumb and text), with their model loaded and
  nothing else to do. fastembed and ONNX Runtime f32 run all-MiniLM-L6-v2 from the same file that docent can use;
  sentence-transformers runs its PyTorch weights; docent and ONNX Runtime int8 run docent-minilm, of the same architecture.
- **One question** goes to `docent serve` over standard input and output, one after the other, with the client's own JSON.
  ONNX Runtime alone gets its tokens and is asked for nothing but its run, with one thread for each core.
- **Memory** is the resident size, mapped files included.
- **Growth** is measured over made-up documents with a stand-in encoder (`cargo bench --bench ask`), so that the encoder is no
  part of it; its time for a question is added where the table says so. Vectors alone are measured up to a million in
  [Index performance](index-performance.md).
- The machine was shared: single times differ by a third between runs, ratios less.
- The flood is 400 clients at once. More than a server's queue holds are told so, and may ask again.
"""


# By the same command; kept here because each run writes the page of its own machine.
ELSEWHERE = """## On a processor without AVX-512

int8 arithmetic gains most where the processor has instructions for it (VNNI). On 2 cores of an AMD EPYC with AVX2 only the
same command gave on 1 December 2026, in one round: 442 pages 2.94 x the fastest Python encoder, 2.18 x ONNX Runtime f32 and
1.41 x int8, one question 1.04 x of ONNX Runtime f32, eight clients 2.17 x of one. In November, with the docent of then, 10 MB
of Markdown were 2.57 x and 2.12 x.

There a question took 1.10, 2.25 and 3.09 ms beyond embedding at 1,000, 10,000 and 100,000 chunks, so that with embedding one
at 100,000 took 1.44 x of one at 1,000.
"""


def write(results, docs):
    docs = pathlib.Path(docs)
    runs = "; ".join(f"{section}: {how}" for section, how in results["runs"].items())
    lines = [TOP, f"Measured on {results['date']}: {results['machine']}. {runs}.", ""]
    lines += table(("what", "against", "wanted", "measured"), summary(results)) + [""]
    for name, words in (("workos", "The 442 files of `@workos/mcp-docs-server` 0.1.0"), ("markdown", "10 MB of Markdown (two npm packages)")):
        if name not in results:
            continue
        bars(docs / f"performance-{name}.svg", "Encoders, and docent from file to index",
             list(results[name]["tokens_per_second"].items()), "tokens a second")
        lines += [f"## Indexing: {words}", "", f"![Tokens a second](performance-{name}.svg)", "", *indexed(results, name)]
    asked, started, clients = results["question"], results["starting"], results["clients"]
    bars(docs / "performance-question.svg", "One question, warm, p50", [
        ("docent over MCP", asked["ms"]["docent p50"]), ("ONNX Runtime f32 alone", asked["ms"]["f32 p50"]),
        ("ONNX Runtime int8 alone", asked["ms"]["int8 p50"]), ("original, substring search", asked["ms"]["original p50"])], "milliseconds")
    growth(docs / "performance-growth.svg", results["growth"])
    lines += [
        "## Questions", "", "![One question](performance-question.svg)", "",
        f"p95 over MCP {asked['ms']['docent p95']:.1f} ms; the server's memory {asked['memory']['now']:.0f} MB, of which "
        f"{asked['memory']['not mapped']:.0f} MB are not mapped files; peak {asked['memory']['peak']:.0f} MB.", "",
        "![Growth](performance-growth.svg)", "",
        *table(("chunks", "p50 beyond embedding", "p95", "every vector read once", "built in"), [
            (f"{row['chunks']:,}", f"{row['p50']:.2f} ms", f"{row['p95']:.2f} ms", f"{row['every_vector_read_once']:.2f} ms",
             f"{row['built_seconds']:.0f} s") for row in results["growth"]]), "",
        "## Starting", "",
        *table(("", "milliseconds"), [(label, f"{value:.0f}") for label, value in started["ms"].items()]), "",
        "## Many clients over HTTP", "",
        f"One client {clients['one']:.0f} questions a second, eight {clients['eight']:.0f}; p50 {clients['p50']:.1f} ms, p99 "
        f"{clients['p99']:.1f} ms; peak memory {clients['peak']:.0f} MB. Of a flood of {clients['flood']['questions']:,} questions by 400 "
        f"clients {clients['flood']['refused']:,} were refused, each with a reason, and the slowest answer took {clients['flood']['slowest']:,.0f} ms.", "",
        ELSEWHERE, HOW,
    ]
    (docs / "performance.md").write_text("\n".join(lines))
