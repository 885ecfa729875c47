"""agent.toml: what is right gets through, what is wrong names itself and what would be right."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from rlmonitor.configuration import Configuration, load_configuration, parse_configuration
from rlmonitor.errors import ConfigurationError, UnknownNameError

BREAKOUT = Path(__file__).parents[1] / "agents" / "breakout-short" / "agent.toml"


def test_the_shipped_agent_writes_out_the_defaults() -> None:
    assert load_configuration(BREAKOUT) == Configuration()


def test_settings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text('[agent]\ngame = "pong"\n[training]\ngamma = 1\n[monitor]\nbudget = 0.02\n')
    found = load_configuration(path)
    assert (found.agent.game, found.training.gamma, found.monitor.budget) == ("pong", 1, 0.02)
    assert found.agent.network == "nips"


@pytest.mark.parametrize(
    ("section", "key", "value", "said"),
    [
        ("training", "timestep", 3, "[training] of x: 'timestep'; did you mean 'timesteps'?"),
        ("monitor", "evry", 3, "[monitor] of x: 'evry'; did you mean 'every'?"),
        ("agent", "game", "brekout", "game in [agent] of x: 'brekout'; did you mean 'breakout'?"),
        ("agent", "network", "natur", "'natur'; did you mean 'nature'?"),
        ("agent", "network", ["nips"], "unknown network in [agent]"),
        ("monitor", "composite", "epsilon-gama-box", "did you mean 'epsilon-gamma-box'?"),
        ("monitor", "probe", "non", "did you mean 'none'?"),
        ("training", "timesteps", 2.5e5, "timesteps = 250000.0: expected a whole number"),
        ("training", "timesteps", 2.5e5, "such as 250000"),
        ("training", "n_envs", "8", "n_envs = '8': expected a whole number, at least 1, such as 8"),
        ("training", "seed", -1, "at least 0, such as 0"),
        ("training", "threads", True, "threads = True: expected a whole number"),
        ("training", "gamma", 1.01, "[training] gamma = 1.01: expected a number from 0, up to 1"),
        ("training", "gamma", float("nan"), "gamma = nan: expected"),
        ("training", "learning_rate", 0, "a number above 0"),
        ("training", "device", "gpu", 'device = \'gpu\': expected one of "auto", "cpu"'),
        ("monitor", "budget", 1.5, "budget = 1.5: expected a number above 0, up to 0.99"),
        ("monitor", "every", -1, "every = -1"),
        ("training", "buffer_size", 100, "buffer_size = 100: expected room for batch_size = 128"),
        ("training", "precision", "bfloat", "'bfloat'; did you mean 'bfloat16'?"),
        ("training", "precision", "bfloat16", '= "bfloat16": expected "single", or double = true'),
        ("training", "prioritized", True, "prioritized = true: expected false, or double = true"),
        ("training", "target_update_interval", 8, "expected at least n_envs = 16"),
    ],
)
def test_a_wrong_setting_names_itself_and_the_right_one(
    section: str, key: str, value: Any, said: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_configuration({section: {key: value}}, "x")
    assert said in str(error.value)
    assert section in str(error.value)


def test_a_wrong_section_names_the_right_one() -> None:
    with pytest.raises(UnknownNameError, match="'trainig'; did you mean 'training'"):
        parse_configuration({"trainig": {}}, "x")
    with pytest.raises(ConfigurationError, match=r"training = 5: expected a section \[training\]"):
        parse_configuration({"training": 5}, "x")


@pytest.mark.parametrize("content", [b"[agent\n", b"\xff\xfe", None])
def test_a_file_that_is_no_toml_names_itself(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "agent.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"agent\.toml (is not TOML|cannot be read)"):
        load_configuration(path)


def test_options_override_and_are_checked() -> None:
    changed = Configuration().with_options({"training.seed": 7, "monitor.every": None})
    assert changed.training.seed == 7
    assert changed.monitor == Configuration().monitor
    with pytest.raises(ConfigurationError, match="seed = -3"):
        changed.with_options({"training.seed": -3})


def test_every_setting_is_checked_and_flat_names_it() -> None:
    flat = Configuration().flat()
    for section in dataclasses.fields(Configuration):
        for setting in dataclasses.fields(section.default):
            assert f"{section.name}.{setting.name}" in flat
            with pytest.raises(ConfigurationError, match=setting.name):
                parse_configuration({section.name: {setting.name: object()}}, "x")
