"""The README's table of tags, held against the event file of a real run, both ways."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from catch import Catch, bar, pellet
from stable_baselines3 import DQN
from stable_baselines3.common.vec_env import DummyVecEnv
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import rlmonitor.logbook as logbook
from rlmonitor import Event, StrategyMonitorCallback

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## What each tag means")[1].split("\n## ")[0]
SCOPES = [f"{a}{b}" for a, b in product(("", "probe_", "random_"), ("value", "choice"))]
ELEMENTS = ("pellet", "bar", "tip", "rest")
NOT_OURS = ("rollout/", "time/", "train/", "custom_scalars__config__")
"""What stable-baselines3 writes, and the layout of TensorBoard's Custom Scalars tab."""


def tip(observation):
    """A third element, the bar's left end: with two there is no rank agreement."""
    is_bar = observation[-1] == 160
    return is_bar & (np.cumsum(is_bar, axis=-1) <= 3)


def rows():
    """First column and second column of the table."""
    lines = [line for line in SECTION.splitlines() if line.startswith("| `")]
    return [re.split(r"(?<!\\)\|", line)[1:3] for line in lines]


def named(cell):
    """The tags of a row's first column, ranges of frames written out."""
    tags = re.findall(r"`([^`]+)`", cell)
    if "…" in cell and tags[-1] == "t":  # `value/frame_share/t-3` … `t`
        stem, last = tags[0].rsplit("/t-", 1)
        tags = [f"{stem}/t-{age}" for age in range(int(last), 0, -1)] + [f"{stem}/t"]
    return tags


def patterns():
    """A regular expression for every tag that the table promises.

    A row that names `value/…` alone stands for all questions, frames and networks, as the text
    above the table says.
    """
    found = []
    for cell, _ in rows():
        tags = named(cell)
        own = all(tag.startswith("value/") for tag in tags)
        for tag, scope in product(tags, SCOPES if own else (None,)):
            whole = tag if scope is None else tag.replace("value", scope, 1)
            expression = re.escape(whole).replace("<element>", f"({'|'.join(ELEMENTS)})")
            found.append(expression.replace("<id>", r"\d+").replace("…", ".+"))
    return found


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Tags of a training of 40 timesteps with two rounds, one event and a stack of four."""
    folder = tmp_path_factory.mktemp("tags")
    event = Event("onset", 40, "The pellet matters now.", {"z": 2.0})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(logbook, "detect", lambda history: (event,) * (len(history.rounds) == 2))
        callback = StrategyMonitorCallback(
            every=40,
            n_frames=48,
            clip_frames=4,
            elements={"pellet": pellet, "tip": tip, "bar": bar},
        )
        model = DQN(
            "CnnPolicy",
            DummyVecEnv([lambda: Catch(channels=4)]),
            seed=0,
            policy_kwargs={"net_arch": [8]},
            buffer_size=200,
            learning_starts=10,
            batch_size=4,
            tensorboard_log=str(folder),
        )
        model.learn(40, callback=callback)
    assert [each.kind for each in callback.events] == ["onset"]
    tags = EventAccumulator(str(folder / "DQN_1")).Reload().Tags()
    return {
        # the writer of texts gives its tag an ending of its own
        tag.removesuffix("/text_summary")
        for kind in ("scalars", "images", "tensors")
        for tag in tags[kind]
        if not tag.startswith(NOT_OURS)
    }


@pytest.mark.slow
def test_every_tag_of_the_table_is_written(written):
    missing = [p for p in patterns() if not any(re.fullmatch(p, tag) for tag in written)]
    assert not missing


@pytest.mark.slow
def test_every_tag_that_is_written_stands_in_the_table(written):
    known = re.compile("|".join(patterns()))
    assert not [tag for tag in sorted(written) if not known.fullmatch(tag)]


def test_tags_of_some_games_only_are_named_as_such():
    """Those that no row begins with stand in the words of one, with their game."""
    later = {tag: text for _, text in rows() for tag in re.findall(r"`(\w+/\w+)`", text)}
    games = {
        "play/nudged": "on VideoPinball",
        "play/tilted": "on VideoPinball",
        "faithfulness/ram_agreement": "on Breakout",
    }
    assert set(later) == set(games)
    assert all(game in later[tag] for tag, game in games.items())
