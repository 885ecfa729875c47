"""Runs side by side: what plain JSON and zarr say of the same files, and literal enumerations."""

import json
from itertools import combinations, product

import numpy as np
import pytest
import zarr
from PIL import Image
from planted_runs import recording, write_run

from rlmonitor.cli import main
from rlmonitor.replay.comparison import compare_runs
from rlmonitor.replay.contrasts import blocks_of
from rlmonitor.replay.fan import COLOURS, mean_curve
from rlmonitor.replay.journal import HISTORY
from rlmonitor.replay.runs import names_of
from rlmonitor.replay.store import rounds
from rlmonitor.strategy.history import Curve
from rlmonitor.strategy.permutation import holm


def run(*arguments):
    """Exit code of the command in this process."""
    try:
        main([str(each) for each in arguments])
    except SystemExit as end:
        return end.code or 0
    raise AssertionError("the command must exit")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Four runs that look at the ball, four that look at it half as much."""
    folder = tmp_path_factory.mktemp("runs")
    balls = {"keen": 0.4, "dull": 0.2}
    return [
        write_run(folder / f"{name}-{seed}", ball, seed + 10 * (name == "dull"))
        for name, ball in balls.items()
        for seed in range(4)
    ]


def plain_value(path, tag, place=-1):
    lines = (path / HISTORY).read_text(encoding="utf-8").splitlines()
    return json.loads(lines[place])["values"][tag]


def test_groups_of_runs_are_told_apart_by_dividing_them_in_all_ways(runs):
    found = compare_runs(runs, groups=["keen", "dull"])
    assert not found.notes
    shares, maps = found.contrasts
    assert not maps.measured
    assert shares.measured == tuple(
        (question, element)
        for question in ("value", "choice")
        for element in ("ball", "paddle", "rest")
    )
    for contrast in found.contrasts:
        assert contrast.source == "probe"
        assert contrast.units == "runs"
        assert contrast.counts == (4, 4)
        assert contrast.outcome.p_all == contrast.corrected_all == pytest.approx(2 / 70)
    for k, (question, element) in enumerate(shares.measured):
        values = [plain_value(path, f"probe_{question}/share/{element}") for path in runs]
        differences = [
            abs(np.mean([values[i] for i in chosen])
                - np.mean([values[i] for i in range(8) if i not in chosen]))
            for chosen in combinations(range(8), 4)
        ]  # fmt: skip
        expected = np.mean(np.array(differences) >= differences[0] - 1e-12)
        assert shares.outcome.p[k] == pytest.approx(expected)
        assert expected <= shares.corrected[k] <= 1
        assert shares.means[0][k] == pytest.approx(np.mean(values[:4]))
    assert shares.corrected[0] == pytest.approx(2 / 70)


def test_several_pairs_cost_what_holm_says(runs):
    found = compare_runs([runs[0], runs[1], runs[4]])  # three pairs
    shares = [contrast for contrast in found.contrasts if contrast.measured]
    assert len(shares) == 3
    raw = [contrast.outcome.p_all for contrast in shares]
    np.testing.assert_allclose([contrast.corrected_all for contrast in shares], holm(raw))
    for contrast in shares:
        expected = np.minimum(3 * contrast.outcome.corrected, 1)
        np.testing.assert_allclose(contrast.corrected, expected)


def test_two_runs_are_told_apart_by_whole_games_of_the_same_frames(runs):
    found = compare_runs([runs[0], runs[4]])
    contrast = found.contrasts[0]
    shares = []
    for path in (runs[0], runs[4]):
        part = zarr.open_group(rounds(path)[200], mode="r")["probe"]
        picture = np.abs(part["relevance/q"][:].astype(np.float64)).sum(axis=1)
        ball = (picture * part["masks/ball"][:]).sum(axis=(1, 2)) / picture.sum(axis=(1, 2))
        shares.append(ball.reshape(12, 2).sum(axis=1))  # 12 games of two frames
    sums = shares[1] - shares[0]
    everything = np.array([np.dot(signs, sums) for signs in product((1, -1), repeat=12)])
    ball = contrast.measured.index(("value", "ball"))
    assert contrast.units == "games"
    assert contrast.counts == (12, 12)
    assert contrast.outcome.difference[ball] == pytest.approx(sums.sum() / 24, rel=1e-3)
    assert contrast.outcome.p[ball] == np.mean(np.abs(everything) >= abs(sums.sum()) - 1e-12)
    assert contrast.outcome.p[ball] == 2 / 2**12


def test_the_command_says_what_differs_and_what_that_rests_on(runs, capsys):
    assert run("compare", *runs, "--groups", "keen,dull", "--no-progress") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "On the same frames keen and dull differ in the share of ball in what they value" in said
    assert "4 of keen and 4 of dull, all 70 ways to divide them" in said
    assert "dull (4 runs)" in said
    value = [plain_value(path, "value/relative/ball") for path in runs[:4]]
    assert f"{np.mean(value):.3g} [{min(value):.3g} to {max(value):.3g}]" in said


def test_too_few_runs_say_so(runs, capsys):
    few = [*runs[:2], *runs[4:6]]
    assert run("compare", *few, "--groups", "keen,dull", "--no-progress") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "differ" not in said.replace("difference", "").replace("different", "")
    assert "2 and 2 runs allow no two-sided p-value below 0.33" in said
    assert "takes 4 runs a group" in said


def test_runs_that_are_alike_are_not_told_apart(tmp_path):
    same = [write_run(tmp_path / f"{'ab'[k % 2]}{k}", 0.3, k, timesteps=(0,)) for k in range(8)]
    found = compare_runs(same, groups=["a", "b"])
    assert min(p for c in found.contrasts for p in c.corrected) > 0.05
    assert min(c.corrected_all for c in found.contrasts) > 0.05


def test_json_is_all_that_stands_on_stdout_and_says_the_same_as_the_files(runs, tmp_path, capsys):
    picture = tmp_path / "sheet.png"
    options = ["--groups", "keen,dull", "--json", "--png", picture, "--no-progress"]
    assert run("compare", *runs, *options) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["timestep"] == 200
    assert found["groups"]["dull"] == [path.name for path in runs[4:]]
    curve = found["curves"]["choice/share/ball"]["keen-2"]
    assert curve["timesteps"] == [0, 100, 200]
    assert curve["values"] == [plain_value(runs[2], "choice/share/ball", k) for k in range(3)]
    mean = found["curves"]["play/score"]["mean of keen"]
    assert mean == {"timesteps": [0, 100, 200], "values": [2.5] * 3}
    test = found["tests"][0]
    assert test["differs"]
    assert test["relabellings"] == 70
    assert test["smallest_p"] == pytest.approx(2 / 70)
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGB"), np.int64)
    for colour in COLOURS[:2]:  # the two means
        assert (np.abs(pixels - colour).sum(axis=-1) < 12).sum() > 200


def test_a_timestep_cuts_everything_off(runs, tmp_path, capsys):
    assert run("compare", *runs[:2], "--at", 150, "--json", "--no-progress") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["timestep"] == 100
    assert found["curves"]["value/entropy"]["keen-0"]["timesteps"] == [0, 100]


def test_runs_that_explained_other_frames_are_compared_on_their_play(runs, tmp_path):
    other = [write_run(tmp_path / f"other-{seed}", 0.1, seed, probe_seed=5) for seed in range(2)]
    found = compare_runs([*runs[:2], *other], groups=["keen", "other"])
    assert {contrast.source for contrast in found.contrasts} == {"play"}
    assert "other-0 explained other frames than keen-0" in found.notes[0]
    alone = compare_runs([runs[0], other[0]])
    assert alone.contrasts == ()
    assert "only on the same frames" in alone.notes[0]


def test_blocks_are_games_or_stretches_of_a_game():
    blocks, units = blocks_of(recording(n=24, games=12))
    assert units == "games"
    np.testing.assert_array_equal(blocks, np.repeat(np.arange(12), 2))
    blocks, units = blocks_of(recording(n=40, games=2))  # 20 frames a game: 16 and 4
    assert units == "stretches"
    np.testing.assert_array_equal(blocks, np.repeat([0, 1, 2, 3], [16, 4, 16, 4]))


def test_the_mean_ends_where_a_run_ends():
    long = Curve(np.array([0, 10, 20, 30]), np.array([0.0, 1, 2, 3]))
    short = Curve(np.array([5, 15, 20]), np.array([10.0, 10, 10]))
    steps, values = mean_curve([long, short])
    assert steps.tolist() == [5, 10, 15, 20]
    np.testing.assert_allclose(values, [5.25, 5.5, 5.75, 6])
    assert not len(mean_curve([long, Curve(np.empty(0, np.int64), np.empty(0))]).values)


def test_names_are_the_shortest_that_differ(tmp_path):
    assert names_of([tmp_path / "a" / "x", tmp_path / "b" / "x"]) == ["a/x", "b/x"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{0}"], "give two runs or more"),
        (["{0}", "{0}"], "name each run once"),
        (["{0}", "{empty}"], "is no run: history.jsonl is missing"),
        (["{0}", "{empty}/nowhere"], "is no folder"),
        (["{0}", "{4}", "--groups", "keen"], "give two prefixes"),
        (["{0}", "{4}", "--groups", "keen,other"], "run dull-0 belongs to no group"),
        (["{0}", "{4}", "--groups", "keen,dull,dq"], "group dq has no run"),
        (["{0}", "{4}", "--elements", "bal"], "did you mean 'ball'?"),
        (["{0}", "{4}", "--measure", "shar"], "did you mean 'share'?"),
        (["{0}", "{4}", "--at", "-1"], "its first is at 0"),
        (["{0}", "{other}"], "different composites does not compare"),
        (["{0}", "{4}", "--png", "{empty}/nowhere/a.png"], "cannot be written"),
    ],
)
def test_an_error_is_one_line_that_says_what_would_work(arguments, said, runs, tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    other = tmp_path / "other"
    if "{other}" in arguments:
        write_run(other, composite="epsilon-gamma-box")
    filled = [each.format(*runs, empty=empty, other=other) for each in arguments]
    assert run("compare", *filled, "--no-progress") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert said in line


def test_help_has_an_example(capsys):
    assert run("compare", "--help") == 0
    assert "Example: rlmonitor compare" in capsys.readouterr().out
