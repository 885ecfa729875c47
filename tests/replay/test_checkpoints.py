"""Q-networks on disk: whole, or an error that says what is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from stable_baselines3 import DQN
from torch import Tensor, nn

from rlmonitor import attribute, network_of
from rlmonitor.demo import shipped_checkpoint
from rlmonitor.errors import CheckpointError, StoreError, UnknownNameError
from rlmonitor.native_env import NativeAtariVecEnv
from rlmonitor.networks import NETWORKS
from rlmonitor.probe import load_probe
from rlmonitor.replay.checkpoints import (
    Checkpoint,
    load_checkpoint,
    load_into,
    q_network,
    read_tensors,
    save_checkpoint,
)

AGENT = Path(__file__).parents[2] / "agents" / "breakout-short"


@pytest.fixture(scope="module")
def models() -> dict[str, DQN]:
    """Untrained DQNs as SB3 makes them."""
    env = NativeAtariVecEnv("breakout", 1)
    return {
        name: DQN("CnnPolicy", env, buffer_size=1, policy_kwargs=network.policy_kwargs(), seed=1)
        for name, network in NETWORKS.items()
    }


def saved(path: Path, **changes: object) -> Path:
    """A file that differs from a right one in its metadata (None: not there) or tensors."""
    tensors, metadata = dict(shipped_checkpoint().state), {
        "network": "nips", "game": "breakout", "timesteps": "5",
    }  # fmt: skip
    for key, value in changes.items():
        if isinstance(value, Tensor):
            tensors[key.replace("__", ".")] = value
        elif value is None:
            del metadata[key]
        else:
            metadata[key] = str(value)
    save_file(tensors, path, metadata=metadata)
    return path


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_comes_back_as_it_was(name: str, models: dict[str, DQN], tmp_path: Path) -> None:
    model, path = models[name], tmp_path / "new" / "a.safetensors"
    save_checkpoint(path, model.q_net, network=name, game="breakout", timesteps=12)
    found = load_checkpoint(path)
    assert (found.network, found.game, found.timesteps) == (name, "breakout", 12)
    assert (found.observation_shape, found.n_actions) == ((4, 84, 84), 4)
    observation = torch.randint(0, 256, (3, 4, 84, 84), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(
            q_network(found)(observation), model.q_net(observation), rtol=0, atol=0
        )


def test_half_precision_is_half_the_file_and_float32_again_in_memory(
    models: dict[str, DQN], tmp_path: Path
) -> None:
    q_net, about = models["nips"].q_net, {"network": "nips", "game": "pong", "timesteps": 1}
    whole = save_checkpoint(tmp_path / "a.safetensors", q_net, **about)  # type: ignore[arg-type]
    half = save_checkpoint(tmp_path / "b.safetensors", q_net, **about, half=True)  # type: ignore[arg-type]
    assert half.stat().st_size < 0.51 * whole.stat().st_size
    for key, tensor in load_checkpoint(half).state.items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, q_net.state_dict()[key], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "agent",
    [
        "breakout/checkpoints/4100032",
        "pong/checkpoints/0800000",
        "breakout-short/checkpoints/0050000",
    ],
)
def test_half_precision_changes_the_median_map_by_a_tenth_of_a_per_cent(
    agent: str, tmp_path: Path
) -> None:
    """Weights are moved by up to half a step of half precision first: shipped ones are rounded."""
    known = load_checkpoint(AGENT.parent / f"{agent}.safetensors")
    generator = torch.Generator().manual_seed(0)
    state = {
        key: t + torch.ldexp(torch.rand(t.shape, generator=generator) - 0.5, torch.frexp(t)[1] - 11)
        for key, t in known.state.items()
    }
    exact = replace(known, state=state)
    about = {"network": exact.network, "game": exact.game, "timesteps": exact.timesteps}
    path = save_checkpoint(tmp_path / "half.safetensors", state, **about, half=True)  # type: ignore[arg-type]
    probe = load_probe("breakout").policy_observation[::8]
    single, half = (
        np.asarray(attribute(network_of(q_network(each)), probe, "advantage", action=1).map)
        for each in (exact, load_checkpoint(path))
    )
    difference = np.abs(half - single).sum((1, 2, 3)) / np.abs(single).sum((1, 2, 3))
    assert 0 < np.median(difference) < 0.002


def test_the_shipped_network_is_the_agents_last_one() -> None:
    agents = [load_checkpoint(path) for path in sorted((AGENT / "checkpoints").iterdir())]
    assert [a.timesteps // 1_000 for a in agents] == [50, 150, 250, 400, 550, 700, 800]
    assert {(a.network, a.game, a.n_actions) for a in agents} == {("nips", "breakout", 4)}
    shipped = shipped_checkpoint()
    assert shipped.timesteps == agents[-1].timesteps
    for key, tensor in agents[-1].state.items():
        torch.testing.assert_close(shipped.state[key], tensor, rtol=0, atol=0)


def test_the_rebuilt_network_is_the_papers_plain_one() -> None:
    """Against Mnih et al. 2013 written down with torch's functions."""
    checkpoint = shipped_checkpoint()
    w = {key: tensor.double() for key, tensor in checkpoint.state.items()}
    observation = torch.randint(0, 256, (2, 4, 84, 84), dtype=torch.uint8)
    x, prefix = observation.double() / 255, "features_extractor."
    for layer, stride in (("cnn.0", 4), ("cnn.2", 2)):
        weight, bias = w[f"{prefix}{layer}.weight"], w[f"{prefix}{layer}.bias"]
        x = nn.functional.conv2d(x, weight, bias, stride).relu()
    x = (x.flatten(1) @ w[f"{prefix}linear.0.weight"].T + w[f"{prefix}linear.0.bias"]).relu()
    expected = x @ w["q_net.0.weight"].T + w["q_net.0.bias"]
    with torch.no_grad():
        found = q_network(checkpoint)(observation)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)


def test_rebuilding_leaves_global_generators_alone() -> None:
    torch.manual_seed(0)
    numpy = np.random.get_state()[1].copy()  # noqa: NPY002
    before = torch.get_rng_state()
    q_network(shipped_checkpoint())
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(numpy, np.random.get_state()[1])  # noqa: NPY002


def test_loading_into_a_dqn_sets_both_networks(models: dict[str, DQN]) -> None:
    checkpoint, model = shipped_checkpoint(), models["nips"]
    load_into(model, checkpoint)
    for network in (model.q_net, model.q_net_target):
        for key, tensor in network.state_dict().items():
            torch.testing.assert_close(tensor, checkpoint.state[key], rtol=0, atol=0)
    with pytest.raises(CheckpointError, match=r"'nips' network with 4 actions .* has shape"):
        load_into(models["nature"], checkpoint)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"network": "natur"}, "unknown network 'natur'; did you mean 'nature'"),
        ({"network": "nature"}, "is no 'nature' network: features_extractor.cnn.0.bias has shape"),
        ({"timesteps": None, "game": None}, "holds no game, timesteps in its metadata"),
        ({"timesteps": "soon"}, "timesteps = 'soon' is no whole number"),
        ({"q_net__0__weight": torch.zeros(4, 255)}, r"q_net.0.weight has shape \(4, 255\)"),
        ({"q_net__0__weight": torch.zeros(4)}, "is no Q-network: expected"),
        ({"other": torch.zeros(1)}, r"other has shape \(1,\), expected none"),
    ],
)
def test_a_foreign_file_says_what_is_wrong(
    changes: dict[str, object], said: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "a.safetensors", **changes)
    with pytest.raises(CheckpointError, match=said) as error:
        load_checkpoint(path)
    assert "a.safetensors" in str(error.value)


@pytest.mark.parametrize("kept", [0, 5, 300, 100_000, -1])
def test_a_torn_file_says_so(kept: int, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.safetensors")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="is torn, or no safetensors file"):
        load_checkpoint(path)


def test_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"is no file: expected a checkpoint"):
        load_checkpoint(tmp_path)


def test_an_unknown_network_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'nips'"):
        save_checkpoint(tmp_path / "a", {}, network="nip", game="breakout", timesteps=0)
    assert not list(tmp_path.iterdir())


def test_what_was_there_stays_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, checkpoint = tmp_path / "a.safetensors", shipped_checkpoint()
    about = {"network": "nips", "game": "breakout"}
    save_checkpoint(path, checkpoint.state, **about, timesteps=1)

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(StoreError, match=r"cannot be written: .*No space left"):
        save_checkpoint(path, checkpoint.state, **about, timesteps=2)
    assert load_checkpoint(path).timesteps == 1
    assert [each.name for each in tmp_path.iterdir()] == ["a.safetensors"]


def test_no_code_is_run_from_a_file(tmp_path: Path) -> None:
    """A pickle under our name is a foreign file, not a program."""
    path = tmp_path / "a.safetensors"
    torch.save({"q_net.0.weight": torch.zeros(4, 256)}, path)
    with pytest.raises(CheckpointError, match="no safetensors file"):
        read_tensors(path)


def test_a_checkpoint_cannot_be_changed_by_name() -> None:
    with pytest.raises(AttributeError):
        shipped_checkpoint().timesteps = 5  # type: ignore[misc]
    assert isinstance(shipped_checkpoint(), Checkpoint)


def test_the_files_are_plain_safetensors() -> None:
    for path in (AGENT / "checkpoints").iterdir():
        assert load_file(path)["q_net.0.bias"].dtype == torch.float16
