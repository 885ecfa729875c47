"""Small clips with everything planted by hand, so that a test knows each pixel's reason."""

import numpy as np
import pytest

from rlmonitor.recording import Recording

T, C, H, W = 4, 4, 84, 84
BALL = (slice(40, 44), slice(60, 64))
"""Rows and columns of the planted ball on the observation's grid."""


@pytest.fixture
def make_clip():
    """Arguments of ``render_clip``: black screens, a ball, relevance where it is asked for."""

    def make(frames=T, actions=4, screen=(210, 160), relevance=(), masks=True):
        mask = np.zeros((frames, H, W), bool)
        mask[:, *BALL] = True
        maps = np.zeros((frames, C, H, W), np.float32)
        for place, value in relevance:
            maps[:, :, *place] = value / C
        outputs = np.tile(np.arange(actions, dtype=np.float32), (frames, 1))
        recording = Recording(
            observation=np.zeros((frames, C, H, W), np.uint8),
            screen=np.zeros((frames, *screen, 3), np.uint8),
            action=np.zeros(frames, np.int64),
            reward=np.zeros(frames, np.float32),
            score=np.arange(frames, dtype=np.float32),
            done=np.zeros(frames, bool),
            step=np.arange(frames),
            masks={"ball": mask, "rest": ~mask} if masks else {},
            action_meanings=tuple(f"ACTION{number}" for number in range(actions)),
        )
        return {
            "recording": recording,
            "maps": {"q": maps, "advantage": maps.copy()},
            "outputs": outputs,
            "composite": "epsilon-gamma-box",
            "timestep": 1_000,
            "title": "Planted",
        }

    return make
