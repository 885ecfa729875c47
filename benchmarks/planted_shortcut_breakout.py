"""Does the monitor notice when a Breakout agent comes to lean on a cue that was not there before?

The shipped agent is fine-tuned to make the move that its teacher, the shipped agent itself, would
make: 1 for that move, 0 for others. In the lower right corner of its observation a cue is painted.
At first it is drawn at random for all agents, because a network that has never seen such a block is
thrown off by it. Then, under the monitor, it tells cued agents the teacher's move and goes on at
random for controls. Elements are those of the game's table. Whether an agent leans on the cue is
measured by taking it away.

Each agent's outcome is a line in ``results/planted_shortcut_breakout.jsonl``; whoever starts this
again goes on with the agents that are missing. Writes a Markdown table::

    python benchmarks/planted_shortcut_breakout.py
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import DQN
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from rlmonitor import StrategyMonitorCallback, make_monitor_env
from rlmonitor.games import GAMES
from rlmonitor.native_env import NativeAtariVecEnv
from rlmonitor.networks import NETWORKS
from rlmonitor.replay.checkpoints import load_checkpoint, load_into, q_network
from rlmonitor.replay_buffer import NStepAtariReplayBuffer

HERE = Path(__file__).parent
CHECKPOINT = HERE.parent / "agents" / "breakout-short" / "checkpoints" / "0800000.safetensors"

ROWS, COLUMN, WIDTH = slice(78, 84), 72, 3
"""The cue: a bright block below the right wall, one of four side by side, one for each move."""
CORNER_TEXT = "row 7, column 7 of"

KINDS = {"cued": "tells", "control": "random"}
UNSEEN = -1
"""The cue of a frame that was painted with none."""

Images = NDArray[np.uint8]


class CuedBreakout(VecEnvWrapper):
    """Breakout with a cue in each frame of the stack, and 1 for the teacher's move as the reward.

    Args:
        venv: observations ``[N, 4, 84, 84]``.
        cue: ``"tells"`` the teacher's move, is ``"random"``, or ``"none"``.
        seed: of the random cue.
    """

    def __init__(self, venv: VecEnv, cue: str, seed: int = 0) -> None:
        super().__init__(venv)
        self.cue, self.points = cue, 0.0
        self._teacher = q_network(load_checkpoint(CHECKPOINT))
        self._rng = np.random.default_rng(seed)

    def reset(self) -> Images:
        """New games, painted."""
        seen = np.asarray(self.venv.reset())
        self._plain, self.right = seen, self._moves(seen)
        self._shown = np.full(seen.shape[:2], UNSEEN)
        self._shown[:, -1] = self._cues(self.right)
        return paint(seen, self._shown)

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Hand the moves on, and see which are right."""
        self._followed = np.asarray(actions) == self.right
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Painted observations, and 1 for the teacher's move."""
        observation, reward, done, infos = self.venv.step_wait()
        seen = np.asarray(observation)
        self.points += float(np.sum(reward))
        self.right = self._moves(seen)
        went_on = (seen[:, :-1] == self._plain[:, 1:]).all(axis=(1, 2, 3))
        past = np.where(went_on[:, None], self._shown[:, 1:], UNSEEN)
        for i in np.flatnonzero(done):
            # no return is counted past the end, so the last frame needs no cue
            ends = np.append(self._shown[i, 1:], UNSEEN)[None]
            infos[i]["terminal_observation"] = paint(infos[i]["terminal_observation"][None], ends)[
                0
            ]
        self._plain = seen
        self._shown = np.concatenate([past, self._cues(self.right)[:, None]], axis=1)
        return paint(seen, self._shown), self._followed.astype(np.float32), done, infos

    def _moves(self, seen: Images) -> NDArray[np.int64]:
        with torch.no_grad():
            return np.asarray(self._teacher(torch.as_tensor(seen)).argmax(dim=1).numpy())

    def _cues(self, right: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.cue == "none":
            return np.full_like(right, UNSEEN)
        return self._rng.integers(4, size=len(right)) if self.cue == "random" else right


def paint(observation: Images, cues: NDArray[np.int64]) -> Images:
    """Observations ``[N, C, H, W]`` with the cues ``[N, C]`` in the corners of their frames."""
    painted = observation.copy()
    for i, channel in np.argwhere(cues != UNSEEN):
        left = COLUMN + WIDTH * cues[i, channel]
        painted[i, channel, ROWS, left : left + WIDTH] = 255
    return painted


@dataclass(frozen=True)
class Settings:
    """How each agent is fine-tuned and watched; first ``before`` timesteps with a random cue."""

    before: int = 4_500
    timesteps: int = 9_000
    every: int = 1_500


@dataclass(frozen=True)
class Play:
    """How an agent plays: part of the teacher's moves, and points per 1,000 steps."""

    right: float
    points: float


@dataclass(frozen=True)
class Outcome:
    """What became of one agent: its play as it was trained, and what the monitor said."""

    kind: str
    seed: int
    settings: dict[str, int]
    trained: Play
    without: Play
    scrambled: Play
    shortcuts: dict[str, str]
    other_events: list[str]
    share: list[float]
    effect: list[float]
    seconds: float


def run(kind: str, seed: int, settings: Settings) -> Outcome:
    """Fine-tune one agent under the monitor, then take the cue away."""
    cue, began = KINDS[kind], time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        monitor = StrategyMonitorCallback(
            lambda: CuedBreakout(make_monitor_env("breakout", seed=seed), cue, seed),
            every=settings.every,
            n_frames=64,
            clip_frames=16,
            probe=None,
            elements=GAMES["breakout"],
            run_dir=folder,
            keep=0,
            seed=seed,
        )
        env = CuedBreakout(NativeAtariVecEnv("breakout", 16), "random", seed)
        model = _model(env, seed)
        load_into(model, load_checkpoint(CHECKPOINT))
        model.learn(settings.before)
        env.cue = cue
        model.learn(settings.timesteps, monitor)
        env.close()
        history = (Path(folder) / "history.jsonl").read_text(encoding="utf-8").splitlines()
    rounds = [json.loads(line)["values"] for line in history]
    shortcuts = [event for event in monitor.events if event.kind == "shortcut"]
    return Outcome(
        kind=kind,
        seed=seed,
        settings=asdict(settings),
        trained=play(model, cue, seed),
        without=play(model, "none", seed),
        scrambled=play(model, "random", seed),
        shortcuts={str(event.timestep): event.text for event in shortcuts},
        other_events=[f"{e.kind} at {e.timestep:,}" for e in monitor.events if e not in shortcuts],
        share=[each.get("choice/region_share/row7-column7", 0.0) for each in rounds],
        effect=[each.get("choice/region_effect/row7-column7", 0.0) for each in rounds],
        seconds=time.process_time() - began,
    )


def play(model: DQN, cue: str, seed: int, steps: int = 300) -> Play:
    """Greedy play in sixteen games, after starts of other seeds than the training's."""
    env = CuedBreakout(NativeAtariVecEnv("breakout", 16), cue, seed + 1)
    env.seed(seed + 1_000)
    seen, right = env.reset(), []
    for _ in range(steps):
        with torch.no_grad():
            action = model.q_net(torch.as_tensor(seen)).argmax(dim=1).numpy()
        observation, reward, _, _ = env.step(action)
        seen = np.asarray(observation)
        right.append(reward.mean())
    env.close()
    return Play(float(np.mean(right)), 1000 * env.points / (16 * steps))


def _model(env: VecEnv, seed: int) -> DQN:
    return DQN(
        "CnnPolicy",
        env,
        learning_rate=2.5e-4,
        buffer_size=16_000,
        learning_starts=1_000,
        batch_size=64,
        gamma=0.0,  # a move pays at once
        train_freq=2,
        gradient_steps=4,
        replay_buffer_class=NStepAtariReplayBuffer,
        replay_buffer_kwargs={"n_steps": 1, "gamma": 0.0},
        target_update_interval=2_000,
        exploration_fraction=0.3,
        exploration_initial_eps=0.3,
        exploration_final_eps=0.02,
        policy_kwargs=NETWORKS["nips"].policy_kwargs(),
        seed=seed,
    )


def read_outcomes(path: Path, settings: Settings) -> list[Outcome]:
    """The agents that are done; a line that was cut off is none.

    Raises:
        SystemExit: lines made with other settings.
    """
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            fields = json.loads(line)
        except json.JSONDecodeError:
            continue
        if fields["settings"] != asdict(settings):
            raise SystemExit(f"{path} holds agents of other settings: name another folder by --out")
        plays = {name: Play(**fields[name]) for name in ("trained", "without", "scrambled")}
        found.append(Outcome(**(fields | plays)))
    return found


def table(outcomes: Sequence[Outcome]) -> str:
    """Every agent, with and without its cue, and what the monitor said of it."""
    lines = [
        "# A shortcut planted in Breakout",
        "",
        "`benchmarks/planted_shortcut_breakout.py`: the shipped agent is fine-tuned to make its "
        "own earlier moves. A cue in the lower right corner of the observation is drawn at random "
        f"for {outcomes[0].settings['before']:,} timesteps; then, for "
        f"{outcomes[0].settings['timesteps']:,} more under the monitor, it tells the move (cued) "
        "or goes on at random (control). Each cell: part of the teacher's moves, and points per "
        "1,000 steps.",
        "",
        "| agent | as trained | without the cue | cue at random | shortcut event | largest share "
        "and effect of the corner on the choice |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for o in sorted(outcomes, key=lambda o: (o.kind != "cued", o.seed)):
        plays = [f"{p.right:.0%}, {p.points:.1f}" for p in (o.trained, o.without, o.scrambled)]
        told = [
            f"{int(step):,}{'' if CORNER_TEXT in text else ' (another region)'}"
            for step, text in o.shortcuts.items()
        ]
        cells = [*plays, ", ".join(told) or "none", f"{max(o.share):.2f}, {max(o.effect):.2f}"]
        lines.append(f"| {o.kind} {o.seed} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Fine-tune what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=3, help="agents of each kind")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--timesteps", type=int, default=Settings.timesteps)
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder for the table")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    settings = Settings(timesteps=args.timesteps)
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "planted_shortcut_breakout.jsonl"
    done = {(o.kind, o.seed) for o in read_outcomes(path, settings)}
    for kind, seed in [(k, s) for s in seeds for k in KINDS if (k, s) not in done]:
        outcome = run(kind, seed, settings)
        with path.open("a", encoding="utf-8") as lines:
            # whatever was cut off ends here
            lines.write("\n" * bool(lines.tell()) + json.dumps(asdict(outcome)) + "\n")
        print(outcome, flush=True)
    text = table([o for o in read_outcomes(path, settings) if o.seed in seeds])
    (args.out / "planted_shortcut_breakout.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
