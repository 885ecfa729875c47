"""Each recipe in callbacks/ runs as it stands, with fewer timesteps."""

import importlib
import importlib.util
import warnings
from pathlib import Path

import pytest
import yaml
from stable_baselines3 import DQN
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecFrameStack

from rlmonitor.replay import store

RECIPES = Path(__file__).parent.parent / "callbacks"


def run(name, *arguments):
    spec = importlib.util.spec_from_file_location(f"recipe_{name}", RECIPES / f"{name}.py")
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    recipe.main([str(argument) for argument in arguments])


def test_every_recipe_is_tested_and_listed():
    listed = (RECIPES / "README.md").read_text(encoding="utf-8")
    names = {p.name for p in RECIPES.iterdir() if p.suffix in {".py", ".yml"}}
    assert names == {"dqn.py", "own_elements.py", "ppo.py", "plain_torch_loop.py", "zoo.yml"}
    assert all(name in listed for name in names)


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("dqn", ["--timesteps", 64, "--every", 32, "--buffer-size", 100, "--learning-starts", 16]),
        ("own_elements", ["--timesteps", 200, "--every", 100]),
        ("ppo", ["--timesteps", 128, "--every", 64, "--n-steps", 16]),
    ],
)
def test_callback_recipes(name, extra, tmp_path):
    run(name, *extra, "--log", tmp_path)
    rounds = store.rounds(tmp_path / ("PPO_1" if name == "ppo" else "DQN_1"))
    assert len(rounds) == 3
    elements = store.read_attributes(rounds[0])
    assert elements["composite"] == "epsilon-gamma-box"
    expected = {"dqn": "ball", "own_elements": "pellet", "ppo": "ball"}[name]
    assert expected in store.read_recording(rounds[0]).masks


def test_plain_torch_loop(tmp_path):
    run("plain_torch_loop", "--timesteps", 20, "--every", 10, "--run-dir", tmp_path)
    assert list(store.rounds(tmp_path)) == [0, 10, 20]
    assert "ball" in store.read_recording(store.rounds(tmp_path)[0]).masks


def class_named(path):
    """As RL Baselines3 Zoo finds a class (rl_zoo3.utils.get_class_by_name)."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_zoo(tmp_path):
    text = (RECIPES / "zoo.yml").read_text(encoding="utf-8")
    ((env_id, settings),) = yaml.safe_load(text).items()
    wrapper = class_named(settings["env_wrapper"][0])
    ((name, arguments),) = settings["callback"][0].items()
    env = make_vec_env(env_id, n_envs=2, wrapper_class=wrapper, monitor_dir=str(tmp_path / "zoo"))
    model = DQN(
        settings["policy"],
        VecFrameStack(env, settings["frame_stack"]),
        buffer_size=100,
        learning_starts=16,
        tensorboard_log=str(tmp_path),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.learn(32, callback=class_named(name)(**arguments))
    env.close()
    assert list(store.rounds(tmp_path / "DQN_1")) == [0, 32]
