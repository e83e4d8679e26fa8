"""Cuts documentation and code into the passages that questions are written for.

A passage is a run of paragraphs under one heading, 60 to 220 words' worth of text, with its breadcrumb: what docent
itself embeds for a chunk. Cutting is deterministic: a passage is named by package, file and a hash of its text, so that
questions can be kept without the text they were written for.
"""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Iterator

SMALLEST, LARGEST = 45, 170  # words; a word is about 1.3 tokens

MARKDOWN_HEADING = re.compile(r"^(#{1,5})\s+(.+?)\s*#*$")
RST_RULE = re.compile(r"""^([=\-~^"'`#*+:.])\1{2,}\s*$""")
TAG_OR_DIRECTIVE = re.compile(r"</?[A-Za-z][^<>\n]*>|^\.\. _[^\n]*:$|^:[a-z]+:.*$", re.MULTILINE)
RST_ROLE = re.compile(r":[a-z:+-]+:`~?!?([^`<]+?)(?:\s*<[^`>]*>)?`")
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


@dataclass(frozen=True)
class Passage:
    """One passage: where it stands, and what it says."""

    package: str  # "pypi:flask==3.1.2"
    path: str  # inside the package
    crumb: str  # "Quickstart > Routing"
    text: str

    @property
    def hash(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of crumb and text."""
        return hashlib.sha256(f"{self.crumb}\n{self.text}".encode()).hexdigest()[:16]


def words(text: str) -> int:
    """How many words, white space between them."""
    return len(text.split())


def cut(package: str, path: str, text: str) -> list[Passage]:
    """The passages of one file, by its kind; none for a kind that is not read."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in (".md", ".mdx", ".rst", ".txt"):
        units = documentation_units(path, text, restructured=suffix in (".rst", ".txt"))
    elif suffix == ".py":
        units = python_units(path, text)
    elif suffix in (".rs", ".js", ".ts", ".mjs"):
        units = commented_units(path, text)
    else:
        return []
    return [Passage(package, path, crumb, body) for crumb, body in units]


def documentation_units(path: str, text: str, restructured: bool) -> Iterator[tuple[str, str]]:
    """Breadcrumb and text of every passage of a page."""
    title, text = page_title(path, text)
    trail: list[tuple[int, str]] = []
    for heading, level, body in sections(text, restructured):
        if heading:
            trail = [entry for entry in trail if entry[0] < level] + [(level, heading)]
        names = [name for _, name in trail]
        crumb = " > ".join(([] if names[:1] == [title] else [title]) + names)
        for passage in packed(body):
            yield crumb, passage


def page_title(path: str, text: str) -> tuple[str, str]:
    """The title in the front matter, or the file's name; and the text without front matter."""
    name = PurePosixPath(path)
    title = (name.parent.name if name.stem in ("index", "README", "page") else name.stem).replace("-", " ").replace("_", " ")
    if found := FRONT_MATTER.match(text):
        text = text[found.end() :]
        if given := re.search(r"^(?:title|nav_title):\s*[\"']?(.+?)[\"']?$", found[1], re.MULTILINE):
            title = given[1]
        if said := re.search(r"^description:\s*[\"']?(.{20,}?)[\"']?$", found[1], re.MULTILINE):
            text = f"{said[1]}\n\n{text}"
    return title, text


def sections(text: str, restructured: bool) -> Iterator[tuple[str, int, str]]:
    """Heading, its level and the text below it, in order; the text above the first heading has none."""
    lines = text.replace("\r\n", "\n").split("\n")
    heading, level, body, fenced = "", 0, [], False
    levels: list[str] = []
    position = 0
    while position < len(lines):
        line = lines[position]
        fenced ^= line.lstrip().startswith("```")
        found = None if fenced or restructured else MARKDOWN_HEADING.match(line)
        below = lines[position + 1] if position + 1 < len(lines) else ""
        if restructured and line.strip() and not line.startswith((" ", "..")) and RST_RULE.match(below) and len(below) + 2 >= len(line):
            if not RST_RULE.match(line):
                if below[0] not in levels:
                    levels.append(below[0])
                yield heading, level, "\n".join(body)
                heading, level, body = clean(line), levels.index(below[0]) + 1, []
                position += 2
                continue
        if found:
            yield heading, level, "\n".join(body)
            heading, level, body = clean(found[2]), len(found[1]), []
        elif not (restructured and RST_RULE.match(line)):
            body.append(line)
        position += 1
    yield heading, level, "\n".join(body)


def clean(text: str) -> str:
    """Text without tags and roles."""
    text = RST_ROLE.sub(r"\1", text)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\n{3,}", "\n\n", TAG_OR_DIRECTIVE.sub("", text)).strip().strip("`")


def packed(body: str) -> Iterator[str]:
    """Paragraphs put together up to the largest size; what stays too small is left out."""
    held: list[str] = []
    for block in re.split(r"\n\s*\n", clean(body)):
        if held and words(" ".join(held)) + words(block) > LARGEST:
            if SMALLEST <= words(" ".join(held)):
                yield "\n\n".join(held)
            held = []
        if words(block) <= LARGEST and block.strip():
            held.append(block.rstrip())
    if SMALLEST <= words(" ".join(held)):
        yield "\n\n".join(held)


def python_units(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Every function and method with a docstring and a body, as source."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    lines = text.split("\n")
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or words(ast.get_docstring(node) or "") < 6:
            continue
        body = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        if SMALLEST <= words(body) <= LARGEST:
            yield PurePosixPath(path).stem, body


DOC_COMMENT = re.compile(r"((?:^[ \t]*///[^\n]*\n)+|^[ \t]*/\*\*.*?\*/\n)((?:^[^\n]*\n){1,40})", re.MULTILINE | re.DOTALL)


def commented_units(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Every documented item of a Rust, JavaScript or TypeScript file: the comment and the code up to the item's end."""
    for found in DOC_COMMENT.finditer(text):
        if words(found[1]) < 10:
            continue
        code = item(found[2])
        body = found[1] + code
        if SMALLEST <= words(body) <= LARGEST:
            yield PurePosixPath(path).stem, body


def item(code: str) -> str:
    """The lines up to where the braces that were opened are closed, or up to the first blank line."""
    depth, kept = 0, []
    for line in code.split("\n"):
        if not line.strip() and depth <= 0:
            break
        kept.append(line)
        depth += line.count("{") - line.count("}")
        if kept and depth <= 0 and ("}" in line or line.rstrip().endswith(";")):
            break
    return "\n".join(kept)
