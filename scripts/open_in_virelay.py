"""Open exported projects in ViRelAy itself, and ask it for all that its pages would show.

ViRelAy pins older packages, so it gets an environment of its own (Python 3.11 or 3.12)::

    python3.11 -m venv virelay && virelay/bin/pip install virelay
    rlmonitor export runs/demo --virelay project
    python scripts/open_in_virelay.py virelay/bin/virelay project/*.yaml --out pictures

The server is started on a free port of this machine. Each category, clustering and embedding of
each project is fetched, and of three frames of each category sample, heatmap and overlay.
Exit code 1 where something is missing, empty or no number.
"""

from __future__ import annotations

import argparse
import json
import math
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

SECONDS = 120
"""In which the server has to answer."""

Fetch = Callable[..., bytes]
"""A path and parameters to what the server answers."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Start ViRelAy, ask for everything, say what was there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("command", help="of ViRelAy, in its own environment")
    parser.add_argument("projects", nargs="+", help="YAML files that rlmonitor export wrote")
    parser.add_argument("--out", type=Path, help="folder for the pictures")
    args = parser.parse_args(arguments)
    with virelay(args.command, args.projects) as fetch:
        listed = json.loads(fetch("/api/projects"))
        require(len(listed) == len(args.projects), f"{len(listed)} projects are open")
        for each in listed:
            for line in seen(fetch, each, args.out):
                sys.stdout.write(f"{line}\n")


@contextmanager
def virelay(command: str, projects: Sequence[str]) -> Iterator[Fetch]:
    """The server of these projects, and how to ask it; it is gone in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def fetch(path: str, **parameters: str) -> bytes:
        query = f"?{urlencode(parameters)}" if parameters else ""
        with urlopen(f"http://127.0.0.1:{port}{path}{query}", timeout=SECONDS) as answer:
            return bytes(answer.read())

    server = subprocess.Popen([command, "--host", "127.0.0.1", "--port", str(port), *projects])
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                fetch("/")
                break
            except URLError as error:
                require(server.poll() is None, "ViRelAy ended as it was started")
                require(time.monotonic() < deadline, f"ViRelAy does not answer: {error}")
                time.sleep(0.2)
        yield fetch
    finally:
        server.terminate()
        server.wait()


def seen(fetch: Fetch, project: Mapping[str, Any], out: Path | None) -> Iterator[str]:
    """Go through one project; a line for each analysis."""
    about = f"/api/projects/{project['id']}"
    methods = json.loads(fetch(about))["analysisMethods"]
    require(bool(methods), f"{project['name']} has no analysis")
    for method in methods:
        require(bool(method["categories"]), f"{method['name']} has no category")
        for category in method["categories"]:
            frames = set[int]()
            for clustering in method["clusterings"]:
                for embedding in method["embeddings"]:
                    asked = {
                        "category": category["name"],
                        "clustering": clustering,
                        "embedding": embedding,
                    }
                    found = json.loads(fetch(f"{about}/analyses/{method['name']}", **asked))
                    frames |= points(found["embedding"], f"{asked}")
            shown = pictures(fetch, about, sorted(frames))
            if out is not None:
                save(shown, out / f"{project['name']} {category['name']}".replace(":", ""))
            yield (
                f"{project['name']}: {category['humanReadableName']}, {len(frames)} frames, "
                f"clusterings {', '.join(method['clusterings'])}, "
                f"embeddings {', '.join(method['embeddings'])}, {len(shown)} pictures"
            )


def points(embedding: Sequence[Mapping[str, Any]], what: str) -> set[int]:
    """Numbers of the frames of an embedding, all of whose coordinates are numbers."""
    require(bool(embedding), f"no points in {what}")
    values = [float(value) for point in embedding for value in point["value"]]
    require(all(map(math.isfinite, values)), f"a coordinate is no number in {what}")
    require(len(set(values)) > 2, f"all points are one in {what}")
    return {int(point["attributionIndex"]) for point in embedding}


def pictures(fetch: Fetch, about: str, frames: Sequence[int]) -> dict[str, bytes]:
    """Sample, heatmap and overlay of three frames, by their names."""
    found: dict[str, bytes] = {}
    for frame in sorted({frames[0], frames[len(frames) // 2], frames[-1]}):
        told = json.loads(fetch(f"{about}/attributions/{frame}"))
        require(bool(told["labels"]), f"frame {frame} has no label")
        of_frame = {
            "sample": fetch(f"{about}/dataset/{frame}/image"),
            "heatmap": fetch(f"{about}/attributions/{frame}/heatmap", superimpose="false"),
            "overlay": fetch(f"{about}/attributions/{frame}/heatmap", superimpose="true"),
        }
        require(len(set(of_frame.values())) == 3, f"pictures of frame {frame} are alike")
        found |= {f"{frame} {kind}": picture for kind, picture in of_frame.items()}
    return found


def save(shown: Mapping[str, bytes], folder: Path) -> None:
    """Write pictures as they came."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in shown.items():
        suffix = ".png" if picture.startswith(b"\x89PNG") else ".jpg"
        (folder / f"{name}{suffix}").write_bytes(picture)


def require(holds: bool, otherwise: str) -> None:
    """End with exit code 1 and a message if something does not hold."""
    if not holds:
        sys.exit(otherwise)


if __name__ == "__main__":
    main()
