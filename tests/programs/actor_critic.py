"""A user's PPO: a composite of their choice, an environment for the monitor, other callbacks."""

import warnings

from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import CallbackList, EveryNTimesteps

from rlmonitor import COMPOSITES, Composite, StrategyMonitorCallback, make_monitor_env
from rlmonitor.callbacks import MonitorWarning
from rlmonitor.errors import ConfigurationError, RlmonitorError, UnknownNameError

warnings.simplefilter("error", MonitorWarning)
composite: Composite = COMPOSITES["epsilon-plus-flat"]
model = PPO("CnnPolicy", make_monitor_env("PongNoFrameskip-v4"), n_steps=32)
try:
    inner = StrategyMonitorCallback(
        lambda: make_monitor_env("PongNoFrameskip-v4"), every=None, composite=composite
    )
    model.learn(  # pyright: ignore[reportUnknownMemberType]
        64, callback=CallbackList([EveryNTimesteps(32, inner)])
    )
except UnknownNameError as error:
    print(error.kind, error.name, error.known)
except (ConfigurationError, RlmonitorError) as error:
    print(error)
print([f"{name}: {each.name}" for name, each in COMPOSITES.items()])
