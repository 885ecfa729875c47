"""Fuzzes every reader of `fuzz_readers` by atheris (coverage-guided), and writes what it found.

Allowed is a value or an error of `rlmonitor.errors`. A finding is any other exception, an input
that takes more than a second, one after which the process holds 256 MB more, and any program that
is begun, module that a pickle names or connection that is opened meanwhile. Findings are counted by
where they come from, and the fuzzer goes on. Needs the dependency group ``fuzz``::

    python benchmarks/fuzz.py                  # all readers, and results/fuzz.md
    python benchmarks/fuzz.py toml --runs 1000 # one, to see
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

RUNS = {
    "toml": 200_000, "history": 250_000, "events": 250_000, "page": 250_000, "routes": 60_000,
    "manifest": 80_000, "buffer": 30_000, "checkpoint": 15_000, "training_state": 30_000,
    "agent": 5_000, "state_dict": 30_000, "round": 3_000, "probe": 10_000, "dataset": 20_000,
    "video": 10_000, "event_file": 20_000,
}  # fmt: skip
"""Inputs for each reader; more than a million together."""

SLOW, LARGE = 1.0, 256 << 10
"""Seconds and kB of an input that are a finding."""

FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "subprocess.Popen",
    "pickle.find_class", "socket.connect", "shutil.rmtree", "os.remove",
)  # fmt: skip
"""Audit events that reading must not cause; files that the reader replaces are renamed."""


class Findings:
    """Counts inputs, and findings by where they come from; writes them as they come."""

    def __init__(self, path: Path) -> None:
        self._path, self.inputs, self.found = path, 0, dict[str, dict[str, Any]]()
        self._began, self._slowest = time.monotonic(), 0.0

    def note(self, kind: str, data: bytes) -> None:
        """Count a finding."""
        entry = self.found.setdefault(kind, {"times": 0, "input": data[:200].hex()})
        entry["times"] += 1

    def took(self, seconds: float) -> None:
        """Count an input."""
        self.inputs += 1
        self._slowest = max(self._slowest, seconds)
        if self.inputs % 50 == 0:
            self.write()

    def write(self) -> None:
        """What is known so far, as JSON, whole or as it was."""
        told = {
            "inputs": self.inputs, "seconds": time.monotonic() - self._began,
            "slowest": self._slowest, "found": self.found,
        }  # fmt: skip
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(told), encoding="utf-8")
        temporary.replace(self._path)


def fuzz(name: str, runs: int, folder: Path, out: Path) -> None:
    """Fuzz one reader in this process, which ends then."""
    import atheris
    import fuzz_readers

    scratch = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    reader = fuzz_readers.reader(name, folder, scratch)
    corpus = scratch / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(reader.seeds):
        (corpus / str(number)).write_bytes(seed)
        reader.read(seed)  # what is imported on first use is there
    findings, watching = Findings(out), [False]

    def audit(event: str, _: object) -> None:
        if watching[0] and event in FORBIDDEN:
            findings.note(f"audit event {event}", b"")

    sys.addaudithook(audit)

    def one(data: bytes) -> None:
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        watching[0] = True
        try:
            reader.read(data)
        except Exception as error:  # a finding, by its place
            frame = [
                f for f in traceback.extract_tb(error.__traceback__) if "rlmonitor" in f.filename
            ]
            where = f"{Path(frame[-1].filename).name}:{frame[-1].lineno}" if frame else "the reader"
            findings.note(f"{type(error).__name__} at {where}: {str(error)[:80]}", data)
        finally:
            watching[0] = False
        seconds = time.process_time() - began
        if seconds > SLOW:
            findings.note("more than a second", data)
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before > LARGE:
            findings.note("more than 256 MB", data)
        findings.took(seconds)
        if findings.inputs >= runs:
            findings.write()
            shutil.rmtree(scratch, ignore_errors=True)
            os._exit(0)

    flags = [
        f"-runs={2 * runs}",
        "-rss_limit_mb=3000",
        "-timeout=3600",  # by the clock, which goes on while a busy machine has us wait
        f"-artifact_prefix={scratch}/",
    ]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], one)
    atheris.Fuzz()


def apart(name: str, runs: int, folder: Path, out: Path, seconds: float) -> dict[str, Any]:
    """Fuzz one reader in a fork, which spares all imports; what it found."""
    process = os.fork()
    if process == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            fuzz(name, runs, folder, out)
        finally:
            os._exit(70)
    deadline, status = time.monotonic() + seconds, 0
    while (ended := os.waitpid(process, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            break
        time.sleep(0.2)
    else:
        status = os.waitstatus_to_exitcode(ended[1])
    nothing = {"inputs": 0, "seconds": seconds, "slowest": 0, "found": {}}
    told: dict[str, Any] = json.loads(out.read_text()) if out.exists() else nothing
    if status:
        told["found"][f"the process ended with status {status}"] = {"times": 1, "input": ""}
    return told


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results as Markdown."""
    total = sum(each["inputs"] for each in results.values())
    rows = "\n".join(
        f"| {name} | {each['inputs']:,} | {each['seconds']:.0f} | {each['slowest'] * 1e3:.0f} | "
        f"{len(each['found'])} |"
        for name, each in results.items()
    )
    found = "\n".join(
        f"- {name}: {kind.splitlines()[0]} ({one['times']} times)"
        for name, each in results.items()
        for kind, one in each["found"].items()
    )
    return (
        "# Every reader, fuzzed\n\n"
        f"{total:,} inputs by atheris (`benchmarks/fuzz.py`). What counts as a finding stands "
        "there; what is read, in `benchmarks/fuzz_readers.py`.\n\n"
        "| reader | inputs | seconds | slowest input, ms of CPU | findings |\n"
        f"| --- | --- | --- | --- | --- |\n{rows}\n\n{found or 'No findings.'}\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the fuzzer."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("readers", nargs="*", choices=[*RUNS, []], help="by default all")
    parser.add_argument("--runs", type=int, help="inputs for each; by default those of RUNS")
    parser.add_argument("--seconds", type=int, default=3_600, help="for each, at most")
    parser.add_argument("--honest", type=Path, help="folder of honest files, made if missing")
    parser.add_argument("--results", type=Path, help="a folder for results, to be added to later")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "fuzz.md")
    given = parser.parse_args(arguments)
    import atheris

    with atheris.instrument_imports(include=["rlmonitor"]):
        import fuzz_readers
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.honest or Path(temporary) / "honest"
        if not folder.exists():
            folder.mkdir(parents=True)
            fuzz_readers.honest(folder)
        results = {}
        for name in given.readers or RUNS:
            out = Path(temporary) / f"{name}.json"
            results[name] = apart(name, given.runs or RUNS[name], folder, out, given.seconds)
            print(name, json.dumps(results[name]), flush=True)
            if given.results is not None:
                given.results.mkdir(parents=True, exist_ok=True)
                (given.results / f"{name}.json").write_text(json.dumps(results[name]))
    if given.results is not None:
        known = {name: given.results / f"{name}.json" for name in RUNS}
        results = {name: json.loads(p.read_text()) for name, p in known.items() if p.exists()}
    text = table(results)
    print(text)
    if given.results is not None or not given.readers:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
