"""What every test shares: one torch thread, and a run directory of its own."""

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture
def run_dir(tmp_path):
    """A folder for one run."""
    return tmp_path / "run"
