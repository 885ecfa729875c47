"""A user's DQN: own elements, a function that hears of events, numbers of the last round."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecFrameStack

from rlmonitor import Event, Round, StopTrainingOnEvent, StrategyMonitorCallback, load_probe


def heard(event: Event) -> None:
    numbers = [f"{name}={value}" for name, value in event.evidence.items()]
    print(event.kind, event.timestep, event.text, *numbers)


def bright(observation: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray(observation[-1] > 200)


def told(found: Round) -> dict[str, float]:
    print(found.timestep, found.composite, found.play.recording.observation.shape)
    print(float(found.clip.relevance["q"].mean()), found.scores, found.behaviour)
    return {target: means.share["bright"] for target, means in found.play.statistics.items()}


env = VecFrameStack(make_atari_env("BreakoutNoFrameskip-v4", n_envs=2), n_stack=4)
model = DQN("CnnPolicy", env, buffer_size=1000, tensorboard_log="runs")
monitor = StrategyMonitorCallback(
    every=1000,
    probe=load_probe("breakout"),
    targets=("q", "advantage"),
    elements={"bright": bright},
    budget=0.5,
    on_event=heard,
    run_dir=Path("runs", "mine"),
)
model.learn(2000, callback=monitor)  # pyright: ignore[reportUnknownMemberType]
if monitor.last_round is not None:
    print(told(monitor.last_round))
kinds: list[str] = [event.kind for event in monitor.events]
print(monitor.run_dir / "history.jsonl", kinds)
stop = StopTrainingOnEvent("memorised", "collapse")
StrategyMonitorCallback(on_event=stop)
print(stop.event.text if stop.event is not None else stop.kinds)
