"""Whether an installation works: each part is tried, not only looked up."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from importlib.resources import files
from pathlib import Path

from packaging.requirements import Requirement

from rlmonitor.board.watch import watch_command
from rlmonitor.errors import DependencyError

EXTRAS = {
    "contrib": "QRDQN and RecurrentPPO",
    "distributed": "replays on several processes or machines",
    "export": "ViRelAy and Parquet export",
    "minari": "Minari datasets",
    "video": "MP4 export, and replays of video files",
}
"""What each extra is for."""

STAND_INS = {"opencv-python": "opencv-python-headless"}
"""Packages that give the same modules as a required one."""


class State(Enum):
    """How a part is."""

    WORKS = "works"
    OPTIONAL = "optional"
    BROKEN = "broken"


@dataclass(frozen=True)
class Part:
    """A part of the installation.

    Attributes:
        name: what it is.
        state: how it is.
        found: versions, or what went wrong.
        remedy: what to do; empty if there is nothing to do.
    """

    name: str
    state: State
    found: str
    remedy: str = ""


def examine_installation() -> tuple[Part, ...]:
    """Every part, in the order in which one needs the other. Takes some seconds."""
    return (
        python(),
        *packages(),
        *extras(),
        tried("emulator", play, "pip install --force-reinstall ale-py"),
        tried("relevance", explain, "pip install --force-reinstall torch rlmonitor"),
        tried("event files", write_and_read, "pip install --force-reinstall 'tensorboard>=2.21'"),
        tried("Strategies tab", find_tab, "install rlmonitor where tensorboard is: pip install ."),
        tried("device", device, "rlmonitor ... --device cpu works without a GPU"),
    )


def tried(name: str, part: Callable[[], str], remedy: str) -> Part:
    """A part that works if the function returns; whatever it raises is what is wrong."""
    try:
        return Part(name, State.WORKS, part())
    except Exception as error:  # a broken library raises what it likes
        return Part(name, State.BROKEN, f"{type(error).__name__}: {error}", remedy)


def python() -> Part:
    """The interpreter, and the system."""
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.platform != "linux":
        return Part("Python", State.OPTIONAL, found, "rlmonitor is tested on Linux alone")
    return Part("Python", State.WORKS, found)


def packages() -> tuple[Part, ...]:
    """The packages that every use needs."""
    return tuple(package(each) for each in _requirements(extra=None))


def extras() -> tuple[Part, ...]:
    """The extras; one that is not installed is no fault."""
    return tuple(extra(name, purpose) for name, purpose in EXTRAS.items())


def package(requirement: Requirement) -> Part:
    """A package against the versions that rlmonitor needs."""
    name, wanted = requirement.name, f"{requirement.name}{requirement.specifier}"
    found = _version(name)
    if found is None and (stand_in := STAND_INS.get(name)):
        name, found = stand_in, _version(stand_in)
    if found is None:
        return Part(requirement.name, State.BROKEN, "not installed", f"pip install '{wanted}'")
    if not requirement.specifier.contains(found, prereleases=True):
        remedy = f"pip install '{wanted}'"
        return Part(requirement.name, State.BROKEN, f"{found}, needs {wanted}", remedy)
    return Part(requirement.name, State.WORKS, found if name == requirement.name else name)


def extra(name: str, purpose: str) -> Part:
    """An extra: all of its packages, or how to get them."""
    label, remedy = f"extra {name}", f"pip install 'rlmonitor[{name}]'"
    parts = [package(each) for each in _requirements(extra=name)]
    if not parts:  # an editable installation whose extras have changed since
        return Part(label, State.OPTIONAL, "unknown to what is installed", "pip install it anew")
    if all(part.state is State.WORKS for part in parts):
        found = ", ".join(f"{part.name} {part.found}" for part in parts)
        return Part(label, State.WORKS, found)
    if all(part.found == "not installed" for part in parts):
        return Part(label, State.OPTIONAL, f"not installed; {purpose}", remedy)
    wrong = next(part for part in parts if part.state is not State.WORKS)
    return Part(label, State.OPTIONAL, f"{wrong.name}: {wrong.found}; {purpose}", remedy)


def play() -> str:
    """Some steps of a game, with a look into the console's memory."""
    import numpy as np

    from rlmonitor.environment import make_monitor_env
    from rlmonitor.rollout import Player

    player = Player(make_monitor_env("breakout", seed=0))
    try:
        recording = player.play(lambda frames: np.zeros((len(frames), 4), dtype=np.float32), 8)
    finally:
        player.close()
    if recording.ram is None:
        raise RuntimeError("Breakout plays, but the console's memory cannot be read")
    return f"{recording.env_id} plays, and its memory can be read"


def explain() -> str:
    """The shipped network on shipped frames: relevance must add up to what it explains."""
    from rlmonitor.demo import shipped_checkpoint
    from rlmonitor.lrp import attribute, network_of
    from rlmonitor.probe import load_probe
    from rlmonitor.replay.checkpoints import q_network

    frames = load_probe("breakout").policy_observation[:16]
    began = time.perf_counter()
    relevance = attribute(network_of(q_network(shipped_checkpoint())), frames)
    seconds = time.perf_counter() - began
    summed = relevance.map.reshape(len(frames), -1).sum(1) + relevance.absorbed
    error = float(abs(summed - relevance.explained).max() / abs(relevance.explained).max())
    if error > 1e-3:
        raise ArithmeticError(f"relevance misses what it explains by {error:.1%}")
    return f"16 frames in {seconds:.2f} s, adds up to 1 part in {1 / max(error, 1e-7):,.0f}"


def write_and_read() -> str:
    """A curve and a picture, written as the monitor does and read as TensorBoard does."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.data.server_ingester import get_server_binary

    from rlmonitor.board.writer import BoardWriter

    with tempfile.TemporaryDirectory() as folder:
        writer = BoardWriter.open(None, folder)
        writer.scalars({"monitor/seconds": 0.5}, 7)
        writer.close()
        read = EventAccumulator(folder).Reload().Scalars("monitor/seconds")
    if [(point.step, point.value) for point in read] != [(7, 0.5)]:
        raise OSError(f"wrote 0.5 at step 7, and read {read}")
    try:
        get_server_binary()
    except Exception:  # its own error, which is not public
        return "written and read; TensorBoard's fast loader is not there, the slow one works"
    return "written and read"


def find_tab() -> str:
    """TensorBoard finds the tab by its entry point, and what it shows is there."""
    found = metadata.entry_points(group="tensorboard_plugins")
    if "rlmonitor" not in {each.name for each in found}:
        raise DependencyError("TensorBoard does not know it: no entry point")
    found["rlmonitor"].load()
    if not files("rlmonitor").joinpath("board", "static", "index.js").is_file():
        raise FileNotFoundError("its page is missing in the package")
    return f"watch runs by {watch_command(Path('runs', 'a-run'))}"


def device() -> str:
    """Where networks run by themselves, and with how many threads."""
    import torch

    threads = f"{torch.get_num_threads()} CPU threads"
    if torch.cuda.is_available():
        torch.ones(1, device="cuda").sum().item()
        return f"GPU {torch.cuda.get_device_name()}, {threads}"
    if torch.backends.mps.is_available():
        return f"Apple GPU, {threads}"
    return f"no GPU, {threads}"


def _requirements(extra: str | None) -> list[Requirement]:
    """What rlmonitor says that it needs, for itself or for one of its extras."""
    stated = map(Requirement, metadata.requires("rlmonitor") or ())
    if extra is None:
        return [each for each in stated if each.marker is None]
    return [
        each
        for each in stated
        if each.marker is not None
        and each.marker.evaluate({"extra": extra})
        and not each.marker.evaluate({"extra": ""})
    ]


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
