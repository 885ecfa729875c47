"""Agents that have learnt one game of Breakout by heart, and shipped ones that play.

The first are made so: an open-loop sequence of actions is found on the one start of an environment
without no-ops (the paddle wanders about and is at the ball just in time), and a NIPS network learns
it by supervised training from what is seen. The others are the networks of the shipped training.
All play trial games, as every round of the monitor does, and the detector is asked after every one.
Writes a Markdown table::

    python benchmarks/memorised.py
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ale_py
import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.atari_wrappers import AtariWrapper
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecFrameStack, VecTransposeImage
from stable_baselines3.dqn.policies import QNetwork
from torch import nn

from rlmonitor.environment import make_monitor_env
from rlmonitor.explain.intervals import wilson_interval
from rlmonitor.lrp import network_of
from rlmonitor.networks import NipsCNN
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.side_by_side import Forward
from rlmonitor.strategy.behaviour_events import memorised
from rlmonitor.strategy.history import OTHER_STARTS, OWN_STARTS, History, RoundSummary
from rlmonitor.strategy.memorisation import compare_starts
from rlmonitor.trials import STEPS, Trials

HERE = Path(__file__).parent
CHECKPOINTS = HERE.parent / "agents" / "breakout-short" / "checkpoints"
FIRE, RIGHT, LEFT, NOOP = 1, 2, 3, 0


def one_start() -> VecEnv:
    """Breakout as the reciting agent knows it: every game begins in the same way."""
    gym.register_envs(ale_py)
    env = gym.make(
        "BreakoutNoFrameskip-v4", repeat_action_probability=0.0, disable_env_checker=True
    )
    wrapped: Any = AtariWrapper(env, noop_max=0, terminal_on_life_loss=False, clip_reward=False)
    vec_env = VecFrameStack(DummyVecEnv([lambda: wrapped]), 4)
    return VecTransposeImage(vec_env)


def recited_game(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64], float]:
    """Observations ``[N, 4, 84, 84]``, actions and score of one game played with sight of memory.

    The paddle goes where it likes while the ball is far, so the actions follow from the place in
    the sequence and not from the screen.
    """
    rng = np.random.default_rng(seed)
    env = one_start()
    ale = env.envs[0].unwrapped.ale  # type: ignore[attr-defined]
    seen, actions, score, wish = [], [], 0.0, 80
    observation = np.asarray(env.reset())
    for step in range(STEPS):
        ram = ale.getRAM().astype(int)
        ball, high, paddle = ram[99] - 49, ram[101] + 9, ram[72] - 47 + 8
        if step % 12 == 0:
            wish = int(rng.integers(16, 144))
        target = ball if ram[101] and high > 120 else wish
        gap = target - paddle
        action = NOOP if abs(gap) < 5 else (RIGHT if gap > 0 else LEFT)
        action = FIRE if not ram[101] else action
        seen.append(observation[0].copy())
        actions.append(action)
        observation, reward, _, _ = env.step(np.array([action]))  # type: ignore[assignment]
        score += float(reward[0])
    env.close()
    return np.array(seen), np.array(actions), score


def learnt_by_heart(
    seen: NDArray[np.uint8], actions: NDArray[np.int64], seed: int, epochs: int = 150
) -> QNetwork:
    """A NIPS network that gives these actions for these observations."""
    torch.manual_seed(seed)
    space = gym.spaces.Box(0, 255, seen.shape[1:], np.uint8)
    network = QNetwork(space, gym.spaces.Discrete(4), NipsCNN(space), 256, net_arch=[])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    inputs, wanted = torch.from_numpy(seen), torch.from_numpy(actions)
    for _ in range(epochs):
        wrong = 0
        for chosen in torch.randperm(len(inputs)).split(32):
            outputs = network(inputs[chosen])
            wrong += int((outputs.argmax(1) != wanted[chosen]).sum())
            loss = nn.functional.cross_entropy(outputs, wanted[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if wrong == 0 and float(loss.detach()) < 1e-2:
            break
    network.set_training_mode(False)
    return network


def greedy(network: QNetwork) -> Forward:
    """The network's values."""
    explained = network_of(network)
    return lambda seen: explained.forward(seen).detach().numpy()


def tried(trials: Trials, values: Forward, games: int) -> dict[str, Any]:
    """Rounds of one trial game of each kind; what the detector says, and when."""
    rounds: list[RoundSummary] = []
    first = None
    for number in range(games):
        rounds.append(RoundSummary(number, {"round": float(number)}, trials.play(values, 1)))
        if first is None and memorised(History(tuple(rounds))):
            first = number + 1
    own, other = ([s for r in rounds for s in r.scores[k]] for k in (OWN_STARTS, OTHER_STARTS))
    return {"own": own, "other": other, "first": first, "found": compare_starts(own, other)}


def row(name: str, result: dict[str, Any]) -> str:
    """One line of the table."""
    own, other, found = result["own"], result["other"], result["found"]
    told = "never" if result["first"] is None else f"round {result['first']}"
    return (
        f"| {name} | {np.mean(own):.1f} ± {np.std(own):.1f} | {np.mean(other):.1f} ± "
        f"{np.std(other):.1f} | {found.low:.1f} | {found.margin:.1f} | {told} |"
    )


def rate(name: str, results: Sequence[dict[str, Any]]) -> str:
    """One line of the table of rates."""
    told = [each["first"] is not None for each in results]
    found = wilson_interval(sum(told), len(told))
    return (
        f"| {name} | {len(told)} | {sum(told)} | {found.mean:.0%} | "
        f"{found.low:.0%} to {found.high:.0%} |"
    )


def table(
    by_heart: Mapping[str, dict[str, Any]], shipped: Mapping[str, dict[str, Any]], games: int
) -> str:
    """The rates with their intervals, and every agent."""
    agents = {**by_heart, **shipped}
    return "\n".join(
        [
            "# Learnt by heart",
            "",
            f"`benchmarks/memorised.py`: {games} rounds of one trial game of each kind, of at most "
            f"{STEPS} steps. Agents that learnt by heart were taught one game each, and must be "
            "told; the others are networks of one shipped training at several timesteps, and must "
            "not.",
            "",
            "| | agents | memorised event | rate | 95 % interval (Wilson) |",
            "| --- | --- | --- | --- | --- |",
            rate("by heart: detected", list(by_heart.values())),
            rate("shipped: false alarm", list(shipped.values())),
            "",
            "Scores from the training's own starts, and under sticky actions after random first "
            "moves (mean ± deviation); the lower end of the interval of their difference, the "
            "margin that it must exceed, and when the event came.",
            "",
            "| agent | own starts | other starts | low | margin | event |",
            "| --- | --- | --- | --- | --- | --- |",
            *(row(name, result) for name, result in agents.items()),
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the agents, let them play, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=5, help="agents that learn by heart")
    parser.add_argument("--games", type=int, default=20, help="rounds, of one game of each kind")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the table")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    by_heart, shipped = dict[str, Any](), dict[str, Any]()
    for seed in range(args.seeds):
        seen, actions, score = recited_game(seed)
        network = learnt_by_heart(seen, actions, seed)
        name = f"by heart, seed {seed} (its game: {score:.0f})"
        by_heart[name] = tried(Trials(one_start, seed=seed), greedy(network), args.games)
        print(row(name, by_heart[name]), flush=True)
    for seed, path in enumerate(sorted(CHECKPOINTS.glob("*.safetensors"))):
        checkpoint = load_checkpoint(path)
        trials = Trials(lambda seed=seed: make_monitor_env("breakout", seed=seed), seed=seed)  # type: ignore[misc]
        name = f"shipped, {checkpoint.timesteps:,} timesteps"
        shipped[name] = tried(trials, greedy(q_network(checkpoint)), args.games)
        print(row(name, shipped[name]), flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    text = table(by_heart, shipped, args.games)
    (args.out / "memorised.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
