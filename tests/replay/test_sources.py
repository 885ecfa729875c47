"""Checkpoints from files: found in order, rebuilt exactly, and refused with a way out."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import torch
from gymnasium import spaces
from oracles.networks import Frames
from safetensors.torch import save_file
from sb3_contrib import QRDQN, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.torch_layers import NatureCNN
from torch import nn

from rlmonitor.demo import shipped_checkpoint
from rlmonitor.errors import CheckpointError, ConfigurationError, DependencyError, UnknownNameError
from rlmonitor.lrp import attribute, network_of
from rlmonitor.networks import NETWORKS
from rlmonitor.replay.checkpoints import load_checkpoint, q_network
from rlmonitor.replay.examination import network_at
from rlmonitor.replay.sb3_zip import look_at_agent
from rlmonitor.replay.sources import STATE, CheckpointFile, find_sources, load_network

AGENT = Path(__file__).parents[2] / "agents" / "breakout-short" / "checkpoints"
ALGORITHMS: dict[str, type[BaseAlgorithm]] = {"DQN": DQN, "QRDQN": QRDQN, "PPO": PPO, "A2C": A2C}


class FourActions(Frames):
    action_space = spaces.Discrete(4)


class Squashed(NatureCNN):
    """The tensors of NatureCNN, with their names, and another computation."""

    def __init__(self, observation_space: spaces.Box, features_dim: int = 16) -> None:
        super().__init__(observation_space, features_dim)
        self.cnn[1] = nn.Tanh()


def agent(algorithm: str, shape: tuple[int, ...] = (4, 36, 36), **policy: Any) -> BaseAlgorithm:
    settings: dict[str, Any] = {"n_steps": 8} if algorithm in ("PPO", "A2C") else {"buffer_size": 1}
    if algorithm == "PPO":
        settings["batch_size"] = 8
    # a dict of its own for each: stable-baselines3 adds to it
    policy = {"features_extractor_kwargs": {"features_dim": 16}} | policy
    env = FourActions(spaces.Box(0, 255, shape, np.uint8))
    made = ALGORITHMS[algorithm](
        "CnnPolicy", env, policy_kwargs=policy, seed=3, device="cpu", **settings
    )
    made.num_timesteps = 1234
    return made


def saved(path: Path, made: BaseAlgorithm) -> str:
    made.save(path)
    return str(path)


def frames(shape: tuple[int, ...], n: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)


def answers(policy: Any, observation: np.ndarray) -> torch.Tensor:
    """What stable-baselines3 itself makes of an observation."""
    tensor = torch.as_tensor(observation)
    with torch.no_grad():
        if hasattr(policy, "q_net"):
            return policy.q_net(tensor)
        if hasattr(policy, "quantile_net"):
            return policy.quantile_net(tensor)
        logits = policy.get_distribution(tensor).distribution.logits
        return torch.cat([logits, policy.predict_values(tensor)], 1)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("normalize_images", [True, False])
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_agent_comes_back_bit_for_bit(
    algorithm: str, network: str, normalize_images: bool, channels_last: bool, tmp_path: Path
) -> None:
    shape = (36, 36, 3) if channels_last else (3, 36, 36)
    own = {"features_extractor_class": NETWORKS[network].features_extractor}
    if not normalize_images:
        own |= {"normalize_images": False}
    made = agent(algorithm, shape, **own)
    path = saved(tmp_path / "agent.zip", made)
    observation = frames((3, 36, 36))
    with open(path, "rb") as file:
        policy = look_at_agent(file, path).policy()
    assert torch.equal(answers(policy, observation), answers(made.policy, observation))
    loaded = load_network(path)
    assert torch.equal(loaded.forward(observation), network_of(made).forward(observation))
    assert loaded.inputs == network_of(made).inputs
    assert loaded.targets == network_of(made).targets


@pytest.mark.parametrize(
    ("algorithm", "own"),
    [
        ("DQN", {"net_arch": [8], "activation_fn": nn.Tanh}),
        ("QRDQN", {"n_quantiles": 7, "net_arch": [8, 6]}),
        ("PPO", {"share_features_extractor": False, "net_arch": {"pi": [8], "vf": [4, 4]}}),
        ("A2C", {"net_arch": [5], "activation_fn": nn.ELU, "ortho_init": False}),
    ],
)
def test_settings_are_read_from_the_json(
    algorithm: str, own: dict[str, Any], tmp_path: Path
) -> None:
    made = agent(algorithm, **own)
    path = saved(tmp_path / "agent.zip", made)
    with open(path, "rb") as file:
        looked = look_at_agent(file, path)
        policy = looked.policy()
    assert (looked.algorithm, looked.timesteps, looked.n_actions) == (algorithm, 1234, 4)
    observation = frames((4, 36, 36))
    assert torch.equal(answers(policy, observation), answers(made.policy, observation))


def test_loading_leaves_the_random_state_alone(tmp_path: Path) -> None:
    path = saved(tmp_path / "agent.zip", agent("PPO"))
    torch.manual_seed(0)
    before = torch.get_rng_state()
    load_network(path)
    assert torch.equal(torch.get_rng_state(), before)


def test_somebodys_own_extractor_is_refused_and_named(tmp_path: Path) -> None:
    made = agent("DQN", features_extractor_class=Squashed)
    path = saved(tmp_path / "agent.zip", made)
    with pytest.raises(CheckpointError, match=r"Squashed.*--architecture module:Class"):
        load_network(path)
    loaded = load_network(path, architecture=f"{__name__}:Squashed")
    observation = frames((4, 36, 36))
    assert torch.equal(loaded.forward(observation), network_of(made).forward(observation))
    trusted = load_network(path, trust=True)
    assert torch.equal(trusted.forward(observation), loaded.forward(observation))
    with pytest.raises(ConfigurationError, match="no features extractor"):
        load_network(path, architecture="collections:OrderedDict")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("renamed", [False, True])
def test_a_bare_state_dict_with_a_named_architecture(
    suffix: str, renamed: bool, tmp_path: Path
) -> None:
    checkpoint = shipped_checkpoint()
    state = {key: tensor.contiguous() for key, tensor in checkpoint.state.items()}
    if renamed:  # as other libraries number the layers
        layers = sorted({key.rpartition(".")[0] for key in state})
        number = {layer: f"network.{2 * i}" for i, layer in enumerate(layers)}
        state = {f"{number[k.rpartition('.')[0]]}.{k.rpartition('.')[2]}": t
                 for k, t in state.items()}  # fmt: skip
    path = tmp_path / f"model_600{suffix}"
    torch.save(state, path) if suffix == ".pth" else save_file(state, path)
    (found,) = find_sources([str(path)]).checkpoints
    assert (found.timestep, found.kind) == (600, "state dict")
    with pytest.raises(CheckpointError, match=r"--architecture nips.*its shapes are those of nips"):
        load_network(found)
    with pytest.raises(CheckpointError, match="no 'nature' network"):
        load_network(found, architecture="nature")
    with pytest.raises(UnknownNameError, match="nips"):
        load_network(found, architecture="nipps")
    observation = frames((4, 84, 84))
    expected = network_of(q_network(checkpoint)).forward(observation)
    assert torch.equal(load_network(found, architecture="nips").forward(observation), expected)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    ("algorithm", "architecture", "own"),
    [
        ("DQN", "nips", {}),
        ("PPO", "nature", {}),
        ("A2C", "nature", {"share_features_extractor": False}),
    ],
)
def test_the_state_dict_of_a_whole_policy(
    algorithm: str, architecture: str, own: dict[str, Any], suffix: str, tmp_path: Path
) -> None:
    kwargs = NETWORKS[architecture].policy_kwargs() | own
    made = agent(algorithm, (3, 84, 84), **kwargs)
    state = {key: tensor.clone() for key, tensor in made.policy.state_dict().items()}
    path = tmp_path / f"policy_7{suffix}"
    torch.save(state, path) if suffix == ".pth" else save_file(state, path)
    with pytest.raises(CheckpointError, match=f"its shapes are those of {architecture}"):
        load_network(str(path))
    loaded = load_network(str(path), architecture=architecture)
    observation, expected = frames((3, 84, 84)), network_of(made)
    assert loaded.targets == expected.targets
    assert torch.equal(loaded.forward(observation), expected.forward(observation))
    for target in loaded.targets:
        ours, theirs = (attribute(n, observation, target) for n in (loaded, expected))
        assert torch.equal(ours.map, theirs.map)
    with pytest.raises(CheckpointError, match=r"expected|no '"):
        load_network(str(path), architecture="nips" if architecture == "nature" else "nature")


@pytest.mark.parametrize("algorithm", ["QRDQN", "RecurrentPPO"])
def test_where_contrib_is_missing_the_file_says_how_to_get_it(
    algorithm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env, path = FourActions(spaces.Box(0, 255, (4, 36, 36), np.uint8)), tmp_path / "agent.zip"
    made = agent("QRDQN")
    if algorithm == "RecurrentPPO":
        made = RecurrentPPO("CnnLstmPolicy", env, n_steps=8, batch_size=8, device="cpu")
    made.save(path)
    for module in [each for each in sys.modules if each.partition(".")[0] == "sb3_contrib"]:
        monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    with pytest.raises(DependencyError, match=r"pip install 'rlmonitor\[contrib\]'"):
        load_network(str(path), trust=True)


def test_a_saved_policy_is_read_where_it_is_trusted(tmp_path: Path) -> None:
    made = agent("DQN", (4, 84, 84), **NETWORKS["nips"].policy_kwargs())
    path = tmp_path / "policy_7.pth"
    made.policy.save(path)
    (problem,) = find_sources([str(path)]).problems
    assert "--trust" in problem.what
    loaded = load_network(str(path), architecture="nips", trust=True)
    observation = frames((4, 84, 84))
    assert torch.equal(loaded.forward(observation), network_of(made).forward(observation))


@pytest.mark.parametrize("place", ["{}", "memory://anew"])
def test_a_checkpoint_that_was_written_anew_is_read_anew(place: str, tmp_path: Path) -> None:
    path = f"{place.format(tmp_path)}/{'a' * 8}.pth"
    observation = torch.rand(1, 2, 12, 12)
    answers = []
    for scale in (1.0, 2.0):
        torch.manual_seed(0)
        state = {key: scale * tensor for key, tensor in plain().state_dict().items()}
        with fsspec.open(path, "wb") as file:
            torch.save(state, file)
        for _ in range(2):
            network = network_at(CheckpointFile(path, 1, STATE), f"{__name__}:plain", False)
            answers.append(network.forward(observation))
    assert torch.equal(answers[0], answers[1])
    assert torch.equal(answers[2], answers[3])
    assert not torch.equal(answers[0], answers[2])


def plain() -> nn.Module:
    return nn.Sequential(nn.Conv2d(2, 3, 5), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 64, 4))


def test_a_module_by_its_name(tmp_path: Path) -> None:
    module = plain()
    torch.save({"epoch": 3, "model": module.state_dict()}, tmp_path / "a.pth")
    loaded = load_network(str(tmp_path / "a.pth"), architecture=f"{__name__}:plain")
    observation = torch.rand(2, 2, 12, 12)
    assert torch.equal(loaded.forward(observation), network_of(module).forward(observation))
    for wrong in (f"{__name__}:nothing", "no.such.module:X", f"{__name__}:AGENT"):
        with pytest.raises(ConfigurationError, match="architecture"):
            load_network(str(tmp_path / "a.pth"), architecture=wrong)


def test_half_precision_is_single_in_memory(tmp_path: Path) -> None:
    module = plain().half()
    torch.save(module.state_dict(), tmp_path / "a.pt")
    loaded = load_network(str(tmp_path / "a.pt"), architecture=f"{__name__}:plain")
    assert loaded.forward(torch.rand(1, 2, 12, 12)).dtype == torch.float32


def test_a_folder_is_read_in_numeric_order_and_what_is_broken_is_told(tmp_path: Path) -> None:
    made = agent("DQN")
    (tmp_path / "sub").mkdir()
    for steps in (100, 20, 3):
        made.num_timesteps = steps
        made.save(tmp_path / "sub" / f"model_{steps}.zip")
    torch.save({"layer.weight": torch.zeros(1, 1)}, tmp_path / "final.pt")
    whole = (tmp_path / "sub" / "model_20.zip").read_bytes()
    (tmp_path / "model_50.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "notes.txt").write_text("not a source")
    found = find_sources([str(tmp_path), str(tmp_path / "sub")])  # the second is in the first
    assert [each.timestep for each in found.checkpoints] == [3, 20, 100, None]
    (problem,) = found.problems
    assert problem.path.endswith("model_50.zip")
    assert "torn" in problem.what
    (asked,) = find_sources([str(tmp_path / "notes.txt")]).problems
    assert "expected .zip" in asked.what
    with pytest.raises(ConfigurationError, match="does not exist"):
        find_sources([str(tmp_path / "nowhere")])


def test_the_shipped_checkpoints() -> None:
    found = find_sources([str(AGENT)]).checkpoints
    steps = [each.timestep for each in found]
    assert steps == sorted(steps)
    assert {each.kind for each in found} == {"rlmonitor"}
    expected = network_of(q_network(load_checkpoint(found[-1].path)))
    observation = frames((4, 84, 84))
    assert torch.equal(load_network(found[-1]).forward(observation), expected.forward(observation))


def test_urls_work_where_paths_do(tmp_path: Path) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    path = saved(tmp_path / "agent_7.zip", agent("A2C"))
    memory.put(path, "/sources/run/agent_7.zip")
    memory.put(str(AGENT / "0050000.safetensors"), "/sources/run/0050000.safetensors")
    torn = (AGENT / "0050000.safetensors").read_bytes()[:-1]
    memory.pipe("/sources/run/0060000.safetensors", torn)
    found = find_sources(["memory://sources/run"])
    assert [each.timestep for each in found.checkpoints] == [1234, 50000]
    assert len(found.problems) == 1
    for each in found.checkpoints:
        near = path if each.kind != "rlmonitor" else str(AGENT / "0050000.safetensors")
        shape = load_network(near).observation_shape
        assert shape is not None
        observation = frames(shape)
        assert torch.equal(
            load_network(each).forward(observation), load_network(near).forward(observation)
        )


def test_a_checkpoint_file_can_be_sent_to_another_process() -> None:
    import pickle

    found = CheckpointFile("a.zip", 3, "stable-baselines3")
    assert pickle.loads(pickle.dumps(found)) == found


def test_json_that_was_edited_is_compared_with_the_tensors(tmp_path: Path) -> None:
    path = saved(tmp_path / "agent.zip", agent("DQN", net_arch=[8]))
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "new.zip", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "data":
                data = json.loads(content)
                data["policy_kwargs"]["net_arch"] = [9]
                content = json.dumps(data).encode()
            new.writestr(name, content)
    with pytest.raises(CheckpointError, match=r"q_net.q_net.0.bias has shape \(8,\), expected \(9"):
        load_network(str(tmp_path / "new.zip"))
