"""Asks @workos/mcp-docs-server and docent the same, as an MCP client, over the same content, and writes
docs/parity.md.

Needs Node, npm, and a docent that has its model (`docent pull`). Nothing but the standard library.

    python3 benches/parity.py --docent target/release/docent --questions DIR/questions.jsonl

Questions are JSON lines: {"query": ..., "relevant": [{"path": "docs/sso/index.mdx"}, ...]}.
"""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from performance.servers import Stdio

PACKAGE = "@workos/mcp-docs-server"
MARKER = "PLANTED-OUTSIDE-OF-THE-CONTENT"
EXTENSION = re.compile(r"\.mdx?$")


class Server(Stdio):
    """One of the two servers, whose errors are answers to compare."""

    def call(self, tool, arguments):
        """How it ended (`answer`, `error`, `protocol error`) and its text."""
        answer = self.exchange("tools/call", {"name": tool, "arguments": arguments})
        if "error" in answer:
            return "protocol error", answer["error"]["message"]
        result = answer["result"]
        text = "\n".join(part.get("text", "") for part in result["content"])
        return ("error" if result.get("isError") else "answer"), text

    def tools(self):
        return self.request("tools/list", {})["tools"]


# What is asked, and why the answers differ where they do.
CALLS = [
    ("A page", "workos_docs", {"path": "sso/domains"}, "The page that was asked for is not named among its neighbours."),
    ("A folder with an index page", "workos_docs", {"path": "sso"}, "The page itself is not named among its neighbours."),
    ("A folder without one", "workos_docs", {"path": "reference/vault/object"}, "docent lists the folder; the other has no page of that name."),
    ("With its extension", "workos_docs", {"path": "sso/domains.mdx"}, "docent takes either."),
    ("With slashes around", "workos_docs", {"path": "/sso/domains/"}, "docent takes either."),
    ("A misspelt page", "workos_docs", {"path": "sso/domans"}, "docent also compares by likeness, not only by substrings."),
    ("An empty path", "workos_docs", {"path": ""}, "docent shows the top."),
    ("No path", "workos_docs", {}, "docent names the parameter and its type."),
    ("A number for a path", "workos_docs", {"path": 7}, "docent names the parameter and the type; the other shows an internal error."),
    ("A list for a path", "workos_docs", {"path": ["sso"]}, "docent names the parameter and the type."),
    ("A misspelt parameter", "workos_docs", {"pth": "sso"}, "docent proposes `path`."),
    ("Another parameter too", "workos_docs", {"path": "sso", "verbose": True}, "docent refuses what it would not heed."),
    ("A zero byte", "workos_docs", {"path": "sso\0"}, "docent counts only folders among the categories."),
    ("A very long path", "workos_docs", {"path": "a/" * 5000}, "docent quotes the beginning only."),
    ("Keywords", "workos_search", {"query": "SAML metadata"}, "By meaning and words, best first; the other has what contains the phrase, by number of lines."),
    ("A question", "workos_search", {"query": "how do I verify a webhook signature?"}, "The other finds only what contains the whole question."),
    ("What is nowhere", "workos_search", {"query": "xyzzy plugh"}, "docent gives the nearest there are."),
    ("Three results", "workos_search", {"query": "webhook", "maxResults": 3}, "The same number, ranked otherwise."),
    ("A number as text", "workos_search", {"query": "webhook", "maxResults": "3"}, "Both take it for a number."),
    ("No number at all", "workos_search", {"query": "webhook", "maxResults": "many"}, "docent names the parameter; the other gives nothing or everything."),
    ("A negative number", "workos_search", {"query": "webhook", "maxResults": -1}, "docent names the parameter; the other leaves out from the end."),
    ("No query", "workos_search", {}, "docent names the parameter and its type."),
    ("A number for a query", "workos_search", {"query": 7}, "docent names the parameter and the type; the other shows an internal error."),
    ("White space for a query", "workos_search", {"query": "  "}, "docent asks for a question."),
    ("Examples, where there are none", "workos_examples", {"example": "sso"}, "The package has none; docent says how to index some, the other that it would fetch them."),
    ("No example", "workos_examples", {}, "docent names the parameter and its type."),
    ("A number for an example", "workos_examples", {"example": 7}, "docent names the parameter and the type."),
    ("A changelog", "workos_changelogs", {"package": "workos-platform"}, ""),
    ("A wrong package", "workos_changelogs", {"package": "workos"}, "docent names the packages that there are; the other also recommends ones that are not there."),
    ("No package", "workos_changelogs", {}, "docent names the parameter and its type."),
    ("A number for a package", "workos_changelogs", {"package": 7}, "docent names the parameter and the type."),
    ("An unknown tool", "workos_nothing", {}, "By the protocol's own error, with the known tools."),
]

UPS = ["../", "..\\", "%2e%2e%2f", "%2e%2e/", "..%2f", "%252e%252e%252f", "....//"]
PARAMETERS = [
    ("workos_docs", "path"),
    ("workos_search", "query"),
    ("workos_examples", "example"),
    ("workos_changelogs", "package"),
]


def escapes(planted):
    """Ways to write a path that leads out of the content: relative, encoded, absolute, through a link."""
    relative = [up * depth + name for up in UPS for depth in range(1, 7) for name in ("planted", "planted.md")]
    below = ["sso/" + path for path in relative]
    absolute = [str(planted / "planted"), str(planted / "planted.md"), f"file://{planted}/planted.md"]
    return relative + below + absolute + ["linked", "linked.md", "linked/planted", "linked/planted.md"]


def plant(content, folder):
    """Files above `content` and links to them in it, which no tool may read."""
    above = content
    while True:
        above = above.parent
        (above / "planted.md").write_text(f"# {MARKER}\n")
        entry = [{"package": "p", "version": MARKER, "date": "2025-01-01", "changes": [], "source": "rss"}]
        (above / "planted.json").write_text(json.dumps(entry))
        (above / "planted").mkdir(exist_ok=True)
        (above / "planted" / "planted.md").write_text(f"# {MARKER}\n")
        (above / "planted" / "index.json").write_text(json.dumps({"name": MARKER, "path": "p", "files": []}))
        if above == folder:
            break
    for part in ("docs", "changelogs"):
        if (content / part).is_dir():
            link(content / part / "linked.md", folder / "planted.md")
            link(content / part / "linked.json", folder / "planted.json")
            # Not to a folder above: the other server would follow it round and round.
            link(content / part / "linked", folder / "planted")


def link(path, target):
    if not path.is_symlink():
        path.symlink_to(target)


def escaped(server, planted):
    """Calls by parameter, and how many of these gave what was planted outside."""
    counts = {}
    for tool, parameter in PARAMETERS:
        paths = escapes(planted)
        read = [path for path in paths if MARKER in server.call(tool, {parameter: path})[1]]
        counts[f"{tool}.{parameter}"] = (len(paths), read)
    return counts


def bodies(server, docs):
    """Pages whose whole text comes first in the answer, the others, and the paths that each answer names."""
    same, other, named = 0, [], {}
    for page in sorted(path for path in docs.rglob("*.md*") if path.is_file()):
        if page.suffix not in (".md", ".mdx"):
            continue
        path = EXTENSION.sub("", page.relative_to(docs).as_posix())
        ended, text = server.call("workos_docs", {"path": path})
        body = page.read_bytes().decode()
        if ended == "answer" and text.startswith(body):
            same += 1
            named[path] = set(re.findall(r"^- (\S+)$", text[len(body):], re.M)) - {path}
        else:
            other.append(path)
    return same, other, named


def answered(server, questions, top=5):
    found = 0
    for question in questions:
        _, text = server.call("workos_search", {"query": question["query"], "maxResults": top})
        paths = re.findall("^## \U0001F4C4 (.+)$", text, re.M)[:top]
        relevant = {EXTENSION.sub("", hit["path"]).removeprefix("docs/") for hit in question["relevant"]}
        found += any(path.removeprefix("docs/") in relevant for path in paths)
    return found


def described(ended, text):
    listed = len(re.findall(r"^- ", text, re.M))
    documents = len(re.findall("^## ", text, re.M))
    parts = [ended, f"{len(text):,} characters"]
    if documents:
        parts.append(f"{documents} headed parts")
    if listed:
        parts.append(f"{listed} names listed")
    first = next(iter(text.splitlines()), "").removeprefix("Error: ")
    said = f": “{first[:70]}{'…' if len(first) > 70 else ''}”" if ended != "answer" else ""
    return ", ".join(parts) + said


def tell(text):
    print(text, file=sys.stderr, flush=True)


def run(command, **options):
    subprocess.run([str(part) for part in command], check=True, **options)


def prepared(version, docent, folder):
    """Both servers over the content of one version of the package."""
    folder.mkdir()
    (folder / "package.json").write_text("{}")
    run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", f"{PACKAGE}@{version}"], cwd=folder)
    package = folder / "node_modules" / PACKAGE
    own = folder / "own" / "content"
    shutil.copytree(package / ".docs" / "organized", own)
    run([docent, "index", own, "--index", folder / "index"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    original = Server(["node", str(package / "dist" / "index.js")])
    ours = Server([str(docent), "serve", "--index", str(folder / "index"), "--preset", "workos"])
    return {PACKAGE: original, "docent": ours}, [package / ".docs" / "organized", own]


def cell(text):
    return text.replace("|", "\\|").replace("\0", "\\0")


def shown(arguments):
    text = json.dumps(arguments, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "..."


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docent", type=pathlib.Path, required=True)
    parser.add_argument("--questions", type=pathlib.Path, help="JSON lines with judged pages")
    parser.add_argument("--versions", nargs="+", default=["0.1.0", "0.2.0"], help="the first is compared call by call")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("docs/parity.md"))
    arguments = parser.parse_args()
    docent = arguments.docent.resolve()
    questions = []
    if arguments.questions:
        questions = [json.loads(line) for line in arguments.questions.read_text().splitlines() if line.strip()]
    pages, reads, calls, shares, tools = [], [], [], {}, {}
    with tempfile.TemporaryDirectory() as temporary:
        for version in arguments.versions:
            folder = pathlib.Path(temporary).resolve() / version
            servers, contents = prepared(version, docent, folder)
            named = {}
            for name, server in servers.items():
                tell(f"{version}: pages of {name}")
                same, other, named[name] = bodies(server, contents[-1] / "docs")
                pages.append((version, name, same, same + len(other)))
            kept = [path for path, paths in named[PACKAGE].items() if paths <= named["docent"].get(path, set())]
            pages.append((version, "docent names all neighbours that the other names", len(kept), len(named[PACKAGE])))
            if version == arguments.versions[0]:
                tell("calls and questions")
                tools = {name: [tool["name"] for tool in server.tools()] for name, server in servers.items()}
                calls = [(kind, tool, given, why, *(described(*server.call(tool, given)) for server in servers.values()))
                         for kind, tool, given, why in CALLS]
                shares = {name: answered(server, questions) for name, server in servers.items()} if questions else {}
            # Last, and after indexing: a file that has become a link since is the harder case.
            for content in contents:
                plant(content, folder)
            for name, server in servers.items():
                tell(f"{version}: paths that lead out of the content of {name}")
                for parameter, (tried, read) in escaped(server, folder).items():
                    reads.append((version, name, parameter, tried, read))
            for server in servers.values():
                server.close()
    arguments.output.write_text(page(arguments.versions, pages, reads, calls, shares, len(questions), tools))


def page(versions, pages, reads, calls, shares, questions, tools):
    lines = [
        f"# docent in place of `{PACKAGE}`",
        "",
        "`docent serve --preset workos` offers the tools of that documentation server under their names and with",
        "their parameters. This page is written by a command that installs the package, indexes its content with",
        "docent, and asks both servers the same over MCP:",
        "",
        "```sh",
        "just parity questions.jsonl",
        "```",
        "",
        f"Versions: {', '.join(versions)}. Tools of the first: " + "; ".join(
            f"{name}: {', '.join(f'`{tool}`' for tool in named)}" for name, named in tools.items()) + ".",
        "",
        "## Pages",
        "",
        "Every page asked for by its path; the answer has to begin with the page's file, byte for byte.",
        "",
        "| version | | pages | of |",
        "|---|---|---:|---:|",
        *(f"| {version} | {name} | {same} | {all_} |" for version, name, same, all_ in pages),
        "",
    ]
    if shares:
        lines += [
            "## Search",
            "",
            f"{questions} questions in whole sentences with judged pages: how many have one of these among the first five",
            "pages of the answer.",
            "",
            "| | answered | share |",
            "|---|---:|---:|",
            *(f"| {name} | {found} | {found / questions:.1%} |" for name, found in shares.items()),
            "",
        ]
    lines += [
        "## Paths that lead out",
        "",
        "Files are planted in every folder above the content, and links to them in it. Each parameter is given relative,",
        "encoded, absolute and linked paths to them.",
        "",
        "| version | | parameter | paths tried | read a planted file | for example |",
        "|---|---|---|---:|---:|---|",
    ]
    for version, name, parameter, tried, read in reads:
        example = f"`{min(read, key=len)}`" if read else ""
        lines.append(f"| {version} | {name} | `{parameter}` | {tried} | {len(read)} | {cell(example)} |")
    lines += [
        "",
        "## Call by call",
        "",
        f"| call | | {PACKAGE} {versions[0]} | docent | why they differ |",
        "|---|---|---|---|---|",
    ]
    for kind, tool, given, why, theirs, ours in calls:
        lines.append(f"| {kind} | `{tool}` `{cell(shown(given))}` | {cell(theirs)} | {cell(ours)} | {why} |")
    return "\n".join(lines) + "\n"


main()
