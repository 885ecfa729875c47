"""Maps of a user's own module and of a model, a round and a monitor without stable-baselines3."""

from pathlib import Path

import numpy as np
import torch
from stable_baselines3 import A2C
from torch import nn

from rlmonitor import (
    Activations,
    Monitor,
    MonitorSettings,
    Network,
    Recording,
    Relevance,
    Windows,
    attribute,
    attribute_targets,
    load_probe,
    make_monitor_env,
    network_of,
    run_round,
)

plain = nn.Sequential(nn.Conv2d(4, 8, 8, 4), nn.ReLU(), nn.Flatten(), nn.Linear(3200, 4))
network: Network = network_of(plain)
observation = np.zeros((2, 4, 84, 84), np.float32)
relevance: Relevance = attribute(network, observation, target="q", composite="epsilon-gamma-box")
whole = relevance.map.sum(dim=(1, 2, 3)) + relevance.absorbed
print(torch.allclose(whole, relevance.explained), relevance.maps["observation"].shape)
print(relevance.outputs.argmax(1), relevance.action, relevance.target, relevance.composite)
both = attribute_targets(network, torch.zeros(2, 4, 84, 84), ("q", "advantage", 0, (1, 2)))
print([float(each.explained.mean()) for each in both.values()], both["q"].map.shape)
seen: Activations = network.activate(observation)
print(attribute(seen.network, seen).map.shape, network.forward(observation).argmax(1))
print(network.targets, network.n_outputs, network.observation_shape, Windows.__doc__)
critic = A2C("CnnPolicy", make_monitor_env("BreakoutNoFrameskip-v4"))
print(attribute(network_of(critic), np.zeros((1, 4, 84, 84), np.uint8), target="value").explained)

probe: Recording = load_probe("breakout")
picked = probe.select(slice(0, 8))
print(len(picked), int(picked.masks["ball"].sum()), picked.env_id, picked.action_meanings)
found = run_round(network, picked, timestep=3, probe=picked)
print(found.play.statistics["q"].relative["ball"], found.play.statistics["q"].entropy)
monitor = Monitor(
    network,
    lambda: make_monitor_env("BreakoutNoFrameskip-v4"),
    run_dir=Path("runs", "plain"),
    settings=MonitorSettings(n_frames=16, clip_frames=8),
)
events = monitor.notice(monitor.run(0))
print([event.text for event in events])
monitor.close()
