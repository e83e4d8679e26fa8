"""What is measured, a function each: each gives a dictionary of plain numbers. Rounds alternate between the programs,
and each ratio is the median of the rounds' own ratios, since machines are shared and noisy."""

import json
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time

import servers
from servers import Http, Stdio, memory, peak_of

HERE = pathlib.Path(__file__).parent
ENCODERS = {
    "fastembed, default batch": ("fastembed", None),
    "fastembed, batch 16": ("fastembed", 16),
    "fastembed, batch 1": ("fastembed", 1),
    "sentence-transformers, default batch": ("sentence-transformers", None),
    "sentence-transformers, batch 8": ("sentence-transformers", 8),
}
LIMITS = {
    "ONNX Runtime f32, one text a run": ("f32", 0),
    "ONNX Runtime f32, batches of 8 of like length": ("f32", 8),
    "ONNX Runtime int8, one text a run": ("int8", 0),
}


def tell(text):
    print(text, file=sys.stderr, flush=True)


def encoder(setting, kind, texts, model, *more):
    command = [setting.python, HERE / "encoders.py", kind, texts, model, *more]
    run = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)


def export(setting, index, work):
    """The texts of an index's chunks as rivals get them: breadcrumb, then text."""
    shutil.rmtree(work, ignore_errors=True)
    subprocess.run([setting.docent, "export", work, "--index", index, "-q"], check=True, stdout=subprocess.DEVNULL)
    chunks = [json.loads(line) for line in (work / "chunks.jsonl").read_text().splitlines()]
    return [f"{chunk.get('breadcrumb') or chunk.get('title') or ''}\n{chunk['text']}" for chunk in chunks]


def sample(texts, most, path):
    """Texts of all lengths, evenly spaced, in a fixed random order."""
    chosen = texts[::max(1, len(texts) // most)][:most]
    random.Random(1).shuffle(chosen)
    path.write_text("".join(json.dumps(text) + "\n" for text in chosen))
    return chosen


def tokens(setting, texts):
    """Mean number of tokens, some texts at a time: a process begins with the peak memory of the one that started it."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(setting.models["f32"] / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    parts = (texts[at:at + 100] for at in range(0, len(texts), 100))
    return sum(len(encoded.ids) for part in parts for encoded in tokenizer.encode_batch(part)) / len(texts)


def indexing(setting, name, rounds, rivals=True):
    """Tokens a second of `docent index`, end to end, and of each encoder on a sample of the same chunks."""
    folder, index = setting.corpora[name], setting.work / f"index-{name}"
    rates, peaks = {}, {}
    texts = setting.work / f"{name}.texts"
    for number in range(rounds):
        shutil.rmtree(index, ignore_errors=True)
        seconds, peak = peak_of([setting.docent, "index", *folder, "--index", index, "-q"])
        if number == 0:
            everything = export(setting, index, setting.work / "export")
            # The sample's texts may be a little shorter or longer than all of them.
            mean, sampled = tokens(setting, everything), tokens(setting, sample(everything, setting.sample, texts))
        rates.setdefault("docent", []).append(len(everything) * mean / seconds)
        peaks.setdefault("docent", []).append(peak)
        tell(f"  docent {len(everything) * mean / seconds:,.0f} tokens/s, {peak:.0f} MB")
        runs = {label: (kind, setting.models["safetensors" if kind.startswith("s") else "fastembed"], batch)
                for label, (kind, batch) in ENCODERS.items()} if rivals else {}
        runs |= {label: ("onnxruntime", setting.models[model], batch) for label, (model, batch) in LIMITS.items()}
        for label, (kind, model, batch) in runs.items():
            found = encoder(setting, kind, texts, model, *(["--batch", batch] if batch is not None else []))
            rates.setdefault(label, []).append(found["texts_per_second"] * sampled)
            peaks.setdefault(label, []).append(found["peak"])
            tell(f"  {label} {found['texts_per_second'] * sampled:,.0f} tokens/s, {found['peak']:.0f} MB, loaded {found['loaded']:.0f} MB")
            if kind == "fastembed" and batch == 1:
                peaks["fastembed, loaded"] = [found["loaded"]]
    ratios = {label: statistics.median(ours / theirs for ours, theirs in zip(rates["docent"], found))
              for label, found in rates.items()}
    size = sum(path.stat().st_size for path in index.rglob("*") if path.is_file())
    again, _ = peak_of([setting.docent, "index", "--index", index, "-q"])
    return {
        "chunks": len(everything), "tokens_a_chunk": mean, "index_bytes": size, "again_seconds": again,
        "tokens_per_second": {label: statistics.median(found) for label, found in rates.items()},
        "ratio": ratios, "peak": {label: statistics.median(found) for label, found in peaks.items()},
    }


def timed(calls):
    times = []
    for call in calls:
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1e3)
    return sorted(times)


def percentile(times, share):
    return times[min(len(times) - 1, int(len(times) * share))]


def question(setting, rounds):
    """Milliseconds of one question after the other over MCP, of the original server, of ONNX Runtime alone."""
    texts = setting.work / "questions.texts"
    texts.write_text("".join(json.dumps(text) + "\n" for text in setting.questions))
    ours = Stdio([setting.docent, "serve", "--index", setting.work / "index-workos"])
    ours.until_whole("search", {"query": setting.questions[0]})
    original = Stdio(["node", setting.original])
    found = {"docent p50": [], "docent p95": [], "original p50": [], "f32 p50": [], "int8 p50": []}
    for _ in range(rounds):
        times = timed(lambda text=text: ours.call("search", {"query": text, "limit": 5}) for text in setting.questions)
        found["docent p50"].append(percentile(times, 0.5))
        found["docent p95"].append(percentile(times, 0.95))
        for model in ("f32", "int8"):
            alone = encoder(setting, "onnxruntime", texts, setting.models[model], "--one-by-one")
            found[f"{model} p50"].append(alone["p50"] * 1e3)
        few = setting.questions[:20]
        times = timed(lambda text=text: original.call("workos_search", {"query": text}) for text in few)
        found["original p50"].append(percentile(times, 0.5))
    rss = memory(ours.process.pid, "VmRSS", "VmHWM", "RssAnon")
    ours.close()
    original.close()
    medians = {label: statistics.median(values) for label, values in found.items()}
    ratio = lambda label: statistics.median(a / b for a, b in zip(found["docent p50"], found[label]))
    return {"ms": medians, "memory": dict(zip(("now", "peak", "not mapped"), rss)),
            "ratio": {label: ratio(label) for label in ("f32 p50", "int8 p50", "original p50")}}


def starting(setting, rounds):
    """Milliseconds from the start of a process to its answers."""
    found = {}
    index = setting.work / "index-workos"
    query = setting.questions[0]
    for _ in range(rounds):
        for name, command, tool in (
            ("docent", [setting.docent, "serve", "--index", index], "search"),
            ("original", ["node", setting.original], "workos_search"),
        ):
            server = Stdio(command)
            server.call(tool, {"query": query})
            first = time.perf_counter() - server.started
            server.until_whole(tool, {"query": query})
            whole = time.perf_counter() - server.started
            server.close()
            for label, seconds in (("initialize", server.initialized), ("first answer", first), ("whole answer", whole)):
                found.setdefault(f"{name}, {label}", []).append(seconds * 1e3)
        seconds, peak = peak_of([setting.docent, "ask", query, "--index", index])
        found.setdefault("docent ask", []).append(seconds * 1e3)
    ratios = {label: statistics.median(theirs / ours for theirs, ours in
                                       zip(found[f"original, {label}"], found[f"docent, {label}"]))
              for label in ("initialize", "first answer", "whole answer")}
    return {"ms": {label: statistics.median(values) for label, values in found.items()}, "ratio": ratios}


def ask_in_turn(port, questions, times, failures):
    client = Http(port)
    for text in questions:
        started = time.perf_counter()
        status, answer = client.call("search", {"query": text, "limit": 5})
        times.append((time.perf_counter() - started) * 1e3)
        if status != 200 or answer.get("result", {}).get("isError") or "error" in answer:
            failures.append((status, answer))


def why(status, answer):
    """What a client that was sent away was told."""
    if answer is None:
        return str(status)
    return answer["error"]["message"] if "error" in answer else answer["result"]["content"][0]["text"]


def at_once(port, clients, questions):
    """Questions a second of so many clients, each waiting for its answers, their times, and what failed."""
    times, failures, threads = [], [], []
    shares = [questions[number::clients] for number in range(clients)]
    started = time.perf_counter()
    for share in shares:
        threads.append(threading.Thread(target=ask_in_turn, args=(port, share, times, failures)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return len(questions) / (time.perf_counter() - started), sorted(times), failures


def clients(setting, rounds):
    """Eight clients over HTTP against one, and a flood."""
    process, port = servers.serve_http(setting.docent, setting.work / "index-workos")
    client = Http(port)
    while (client.call("search", {"query": "ready?"})[1] or {}).get("result", {}).get("structuredContent", {}).get("degraded"):
        pass
    found = {"one": [], "eight": [], "p50": [], "p99": []}
    for _ in range(rounds):
        one, _, failures = at_once(port, 1, setting.questions)
        eight, times, more = at_once(port, 8, setting.questions * 2)
        assert not failures and not more, (failures + more)[:1]
        for label, value in (("one", one), ("eight", eight), ("p50", percentile(times, 0.5)), ("p99", percentile(times, 0.99))):
            found[label].append(value)
    _, times, failures = at_once(port, 400, setting.questions * 10)
    said = sorted({why(status, answer) for status, answer in failures})
    anon = memory(process.pid, "VmHWM", "RssAnon")
    process.terminate()
    process.wait(timeout=60)
    medians = {label: statistics.median(values) for label, values in found.items()}
    ratio = statistics.median(eight / one for one, eight in zip(found["one"], found["eight"]))
    spread = statistics.median(p99 / p50 for p50, p99 in zip(found["p50"], found["p99"]))
    flood = {"questions": len(times), "refused": len(failures), "said": said, "slowest": times[-1]}
    return medians | {"ratio": ratio, "p99 by p50": spread, "flood": flood, "peak": anon[0]}


def growth(setting, sizes):
    """What a question costs beyond its embedding, by the number of chunks (`cargo bench --bench ask`)."""
    command = ["cargo", "bench", "--locked", "--bench", "ask", "--", *map(str, sizes)]
    run = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, cwd=HERE.parent.parent)
    return [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
