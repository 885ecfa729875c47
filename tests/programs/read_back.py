"""Curves, events and rounds of a run, read back."""

import numpy as np
from numpy.typing import NDArray

from rlmonitor import Analysis, Run, open_run

run: Run = open_run("runs/DQN_1")
for name in run.history.names:
    curve = run.history.curve(name)
    newest: float = float(curve.values[-1])
    print(name, int(curve.timesteps[-1]), newest)
for event in run.events:
    print(event.kind, event.timestep, event.text, dict(event.evidence))
for timestep in run.rounds:
    play: Analysis = run.analysis(timestep)
    maps: NDArray[np.float32] = run.analysis(timestep, "clip").relevance["q"]
    ball: NDArray[np.bool_] = play.recording.masks["ball"]
    print(run.name, run.last, maps.shape, ball.shape, play.recording.action.shape)
    print(play.statistics["advantage"].share, play.outputs.mean(), play.explained["q"].mean())
