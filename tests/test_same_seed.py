"""The same seed gives the same bytes but for times, and the same weights, watched or not."""

import hashlib
from pathlib import Path

import pytest
import torch
from catch import Catch, bar, pellet
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack
from tensorboard.compat.proto.event_pb2 import Event

from rlmonitor import Monitor, StrategyMonitorCallback, network_of
from rlmonitor.board.event_records import records
from rlmonitor.configuration import parse_configuration
from rlmonitor.monitor_settings import MonitorSettings
from rlmonitor.replay import store
from rlmonitor.training import train

TIMES = {"time/fps", "time/time_elapsed", "monitor/seconds", "monitor/overhead"}


def contents(run_dir: Path) -> dict[str, object]:
    """Path in the run's folder to the bytes of the file, of event files to what they say when."""
    found: dict[str, object] = {}
    for path in sorted(each for each in run_dir.rglob("*") if each.is_file()):
        if "tfevents" in path.name:
            found["events"] = list(map(said, records(path)))
        elif not path.name.endswith("lock"):  # the process's number
            found[str(path.relative_to(run_dir))] = path.read_bytes()
    return found


def said(record: bytes) -> bytes:
    """An event without the time of its writing, and without values that are times."""
    event = Event.FromString(record)
    event.wall_time = 0
    for value in event.summary.value:
        if value.tag in TIMES:
            value.simple_value = 0
    return event.SerializeToString(deterministic=True)


def assert_same(ours: dict[str, object], theirs: dict[str, object]) -> None:
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


@pytest.mark.slow
def test_two_trainings_by_the_command_leave_the_same_bytes(tmp_path: Path) -> None:
    training = {
        "timesteps": 64, "n_envs": 2, "batch_size": 4, "buffer_size": 128, "learning_starts": 8,
        "train_freq": 2, "gradient_steps": 1, "target_update_interval": 16,
        "checkpoint_every": 32, "log_every": 16,
    }  # fmt: skip
    settings = {"training": training, "monitor": {"every": 32, "n_frames": 8}}
    for name in ("a", "b"):
        train(parse_configuration(settings, "tiny"), tmp_path / name, progress=False)
    ours, theirs = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert len([name for name in ours if name.startswith("rounds")]) > 100
    assert_same(ours, theirs)


KINDS = {
    "DQN": (DQN, {"buffer_size": 200, "learning_starts": 10, "batch_size": 4, "train_freq": 1}),
    "QRDQN": (QRDQN, {"buffer_size": 200, "learning_starts": 10, "batch_size": 4, "train_freq": 1}),
    "PPO": (PPO, {"n_steps": 16, "batch_size": 8, "n_epochs": 2}),
    "A2C": (A2C, {"n_steps": 8}),
}


def learned(kind: str, folder: Path | None, *, stacked: bool, threads: int) -> str:
    """Train 48 timesteps, watched where there is a folder; a digest of weights and optimizer."""
    algorithm, settings = KINDS[kind]
    env = VecFrameStack(DummyVecEnv([Catch] * 3), 4) if stacked else DummyVecEnv([Catch])
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        model = algorithm("CnnPolicy", env, seed=3, policy_kwargs={"net_arch": [8]}, **settings)
        elements = {"pellet": pellet, "bar": bar}
        watching = StrategyMonitorCallback(
            every=24, n_frames=8, clip_frames=4, elements=elements, run_dir=folder
        )
        model.learn(48, callback=None if folder is None else watching)
        assert not watching.events
    finally:
        torch.set_num_threads(before)
    digest = hashlib.sha256()
    for name, tensor in sorted(model.policy.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    for state in model.policy.optimizer.state_dict()["state"].values():
        for name, value in sorted(state.items()):
            digest.update(name.encode() + torch.as_tensor(value).numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "stacked", "threads"),
    [("DQN", True, 1), ("QRDQN", True, 2), ("PPO", True, 2), ("A2C", True, 2), ("DQN", False, 2)],
)
def test_watched_or_not_weights_are_the_same_and_so_is_a_second_run(
    kind: str, stacked: bool, threads: int, tmp_path: Path
) -> None:
    alone = learned(kind, None, stacked=stacked, threads=threads)
    first = learned(kind, tmp_path / "a", stacked=stacked, threads=threads)
    second = learned(kind, tmp_path / "b", stacked=stacked, threads=threads)
    assert alone == first == second
    assert list(store.rounds(tmp_path / "a")) == [0, 24, 48]
    assert_same(contents(tmp_path / "a"), contents(tmp_path / "b"))


def test_a_monitor_seeds_an_environment_that_its_maker_has_not(tmp_path: Path) -> None:
    model = DQN("CnnPolicy", DummyVecEnv([Catch]), seed=0, buffer_size=10)

    def played(folder: str) -> bytes:
        settings = MonitorSettings(n_frames=20, elements={"pellet": pellet, "bar": bar}, seed=3)
        monitor = Monitor(
            network_of(model),
            lambda: DummyVecEnv([Catch]),
            run_dir=tmp_path / folder,
            settings=settings,
        )
        observation = monitor.run(0).play.recording.observation
        monitor.close()
        return observation.tobytes()

    assert played("one") == played("other")
