"""The README's code runs, and its commands and files exist."""

import re
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
# only sizes shrink; everything else runs as it stands
SMALLER = {"1_000_000": "96", "every=50_000": "every=48", "buffer_size=50_000": "buffer_size=100"}


@pytest.mark.parametrize("block", BLOCKS, ids=[f"block {i}" for i in range(len(BLOCKS))])
def test_code_runs(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "open_run" in block:  # reads what the first block leaves
        block = BLOCKS[0] + block
    for written, smaller in SMALLER.items():
        block = block.replace(written, smaller)
    names = {}
    with warnings.catch_warnings():
        # stable-baselines3 tells that a buffer of another size would need less or more memory
        warnings.filterwarnings("ignore", category=UserWarning, module="stable_baselines3")
        exec(compile(block, "README.md", "exec"), names)
    if "StrategyMonitorCallback" in block:
        assert len(list(tmp_path.glob("runs/DQN_1/rounds/*.zarr"))) == 3


def test_there_is_code_to_run():
    assert len(BLOCKS) >= 2


def test_make_targets_and_linked_files_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make ([\w-]+)", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
