"""Runs for the end-to-end tests: a monitor that plays, explains and writes, and damaged copies."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import torch
from stable_baselines3 import DQN
from stable_baselines3.common.vec_env import DummyVecEnv

from rlmonitor import Event, Monitor, Recording, network_of
from rlmonitor.board import BoardWriter
from rlmonitor.board.page_data import PARTS, ROUND, dump
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.replay.store import read_probe

sys.path.insert(0, str(Path(__file__).parents[1]))
from catch import Catch, bar, pellet

ROUNDS = (0, 500, 1_000)


def watched(folder: Path, seed: int, probe: str | Recording = "auto") -> None:
    """Rounds of a network whose weights change from one to the next, and two events."""
    model = DQN(
        "CnnPolicy",
        DummyVecEnv([lambda: Catch(channels=3)]),
        seed=seed,
        policy_kwargs={"net_arch": [8]},
        buffer_size=10,
    )
    settings = MonitorSettings(
        n_frames=48,
        clip_frames=16,
        elements={"pellet": pellet, "bar": bar},
        seed=seed,
        probe=probe,
    )
    monitor = Monitor(
        network_of(model),
        lambda: DummyVecEnv([lambda: Catch(channels=3)]),
        run_dir=folder,
        settings=settings,
    )
    generator = torch.Generator().manual_seed(seed)
    for timestep in ROUNDS:
        monitor.notice(monitor.run(timestep))
        for parameter in model.q_net.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.data += 0.02 * noise
    monitor.tell(Event("onset", 500, "The agent begins to look at the pellet.", {"share": 0.125}))
    monitor.tell(Event("shortcut", 1_000, "It decides by the bar alone.", {"share": 0.75}))
    monitor.close()


def damaged(logdir: Path, whole: Path) -> None:
    """Copies of a run that lack something."""
    content = whole.read_bytes()
    last = content.rindex(b"page/round")
    for name, cut in (("torn", content[: last + 400]), ("live", content[: last - 40_000])):
        (logdir / name).mkdir()
        (logdir / name / whole.name).write_bytes(cut)
    numbers = {"format": 1, "timestep": 5, "values": {"value/share/ball": 1.0}, "trust": {}}
    rest = {"elements": ["ball"], "outside": [], "targets": {"q": "value"}, "strategies": None}
    record = dump({**numbers, **rest, "scores": {}, "how": {}})
    for name, text, parts in (
        ("later", json.dumps({"format": 99, "timestep": 5}), None),
        ("numbers-only", record, None),
        ("broken-picture", record, [b'{"format": 1, "arr']),
        ("later-picture", record, [b'{"format": 99}']),
    ):
        writer = BoardWriter.open(None, logdir / name)
        for tag in PARTS.values() if parts is not None else ():
            writer.part(tag, parts, 5)
        writer.record(ROUND, text, 5)
        writer.close()
    writer = BoardWriter.open(None, logdir / "old")
    writer.scalars({"value/entropy": 0.5}, 5)
    writer.close()


def main(logdir: Path) -> None:
    """Write all runs below a folder."""
    shutil.rmtree(logdir, ignore_errors=True)
    watched(logdir / "catch-0", 0)
    watched(logdir / "catch-1", 1, probe=read_probe(logdir / "catch-0") or "auto")
    (whole,) = (logdir / "catch-0").glob("*tfevents*")
    damaged(logdir, whole)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
