"""The callback beside each algorithm: what it explains there, and that it disturbs nothing."""

import hashlib

import numpy as np
import pytest
import torch
from catch import Catch, bar, pellet
from PIL import Image
from sb3_contrib import QRDQN
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from rlmonitor import StrategyMonitorCallback
from rlmonitor.errors import ConfigurationError, UnknownNameError

Q_NETWORKS = {
    DQN: {"buffer_size": 200, "learning_starts": 10, "batch_size": 4, "train_freq": 1},
    QRDQN: {"buffer_size": 200, "learning_starts": 10, "batch_size": 4, "train_freq": 1},
}
ACTOR_CRITICS = {PPO: {"n_steps": 16, "batch_size": 8, "n_epochs": 2}, A2C: {"n_steps": 8}}
ALGORITHMS = Q_NETWORKS | ACTOR_CRITICS


def learned(algorithm, folder, callback, timesteps=64):
    env = DummyVecEnv([Catch] * 2)
    policy = {"net_arch": [8]}
    model = algorithm(
        "CnnPolicy", env, seed=0, policy_kwargs=policy, tensorboard_log=str(folder),
        **ALGORITHMS[algorithm],
    )  # fmt: skip
    model.learn(timesteps, callback=callback)
    return model


def monitor(**settings):
    defaults = {"every": 32, "n_frames": 8, "clip_frames": 4}
    elements = {"pellet": pellet, "bar": bar}
    return StrategyMonitorCallback(elements=elements, **(defaults | settings))


def curves(folder):
    return EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0}).Reload()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_both_questions_are_answered(algorithm, tmp_path):
    callback = monitor()
    learned(algorithm, tmp_path, callback)
    assert not callback.events
    found = curves(tmp_path / f"{algorithm.__name__}_1")
    for tag in ("value/share/pellet", "choice/relative/bar", "probe_value/entropy"):
        assert [event.step for event in found.Scalars(tag)] == [0, 32, 64]
    assert len(found.Images("relevance/play")) == 3
    value = "q" if algorithm in Q_NETWORKS else "value"
    assert list(callback.last_round.play.relevance) == [value, "advantage"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_weights_are_those_of_the_training_alone(algorithm, tmp_path):
    def digest(model):
        parameters = model.policy.state_dict().items()
        return hashlib.sha256(b"".join(tensor.numpy().tobytes() for _, tensor in parameters))

    alone = learned(algorithm, tmp_path / "alone", None)
    watched = learned(algorithm, tmp_path / "watched", monitor())
    assert digest(watched).digest() == digest(alone).digest()


class Check(BaseCallback):
    """Compares a round with what the policy itself says at that moment."""

    def __init__(self, watched):
        super().__init__()
        self.watched, self.checked = watched, []

    def _on_step(self):
        found = self.watched.last_round
        if found.timestep == self.num_timesteps:
            self.checked.append(found.timestep)
            policy, play = self.model.policy, found.play
            observation, _ = policy.obs_to_tensor(play.recording.observation)
            with torch.no_grad():
                values = policy.predict_values(observation).numpy()[:, 0]
                logits = policy.get_distribution(observation).distribution.logits.numpy()
            np.testing.assert_allclose(play.explained["value"], values, rtol=1e-4, atol=1e-6)
            advantage = logits.max(1) - logits.mean(1)
            np.testing.assert_allclose(play.explained["advantage"], advantage, rtol=1e-3, atol=1e-6)
        return True


@pytest.mark.parametrize("algorithm", ACTOR_CRITICS)
def test_what_is_explained_is_the_critics_value_and_the_policys_logit(algorithm, tmp_path):
    callback = monitor(every=30)
    check = Check(callback)
    learned(algorithm, tmp_path, [callback, check])
    assert check.checked == [30, 60]


def test_all_targets_of_an_actor_critic_have_curves_and_two_have_panels(tmp_path):
    callback = monitor(targets=("logit", "value", "advantage"))
    learned(PPO, tmp_path, callback)
    assert not callback.events
    found = curves(tmp_path / "PPO_1")
    for scope in ("logit", "value", "choice", "probe_logit", "random_value"):
        assert len(found.Scalars(f"{scope}/share/pellet")) == 3
    gif = found.Images("relevance/play")[0]
    (tmp_path / "clip.gif").write_bytes(gif.encoded_image_string)
    with Image.open(tmp_path / "clip.gif") as clip:
        assert clip.n_frames == 4


@pytest.mark.parametrize(
    ("algorithm", "targets", "error", "words"),
    [
        (PPO, ("q",), ConfigurationError, "no target 'q'; it has logit, advantage, value"),
        (DQN, ("value",), ConfigurationError, "no target 'value'; it has q, advantage"),
        (DQN, ("logits",), UnknownNameError, "did you mean 'logit'"),
    ],
)
def test_a_target_that_the_network_lacks_is_refused_at_once(
    algorithm, targets, error, words, tmp_path
):
    with pytest.raises(error, match=words):
        learned(algorithm, tmp_path, monitor(targets=targets))
