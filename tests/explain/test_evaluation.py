"""Methods x metrics: against the metrics themselves, what wins, and what is said of it."""

from io import StringIO

import numpy as np
import pytest
import torch
from gymnasium import spaces
from rich.console import Console
from stable_baselines3.dqn.policies import QNetwork

from rlmonitor.errors import ConfigurationError, ObservationError, UnknownNameError
from rlmonitor.explain import explain, pixel_flipping, target_sensitivity
from rlmonitor.explain.evaluation import Result, Score, evaluate
from rlmonitor.explain.evaluation_table import duels, markdown, rich_table, rows, winners
from rlmonitor.explain.intervals import bootstrap_interval
from rlmonitor.explain.metrics import METRICS, N_PATCHES, QUICK_METRICS, REPLACED_BY, Task
from rlmonitor.lrp import network_of
from rlmonitor.networks import NipsCNN

N = 8


@pytest.fixture(scope="module")
def task():
    space = spaces.Box(0, 255, (2, 36, 36), np.uint8)
    torch.manual_seed(0)
    network = network_of(QNetwork(space, spaces.Discrete(3), NipsCNN(space, 8), 8, net_arch=[]))
    observation = np.random.default_rng(0).integers(0, 256, (N, 2, 36, 36), np.uint8)
    return Task(network, observation)


def test_scores_are_those_of_the_metrics(task):
    (found,) = evaluate(task, ["epsilon"], ("flipping", "sensitivity"))
    relevance = explain(task.network, task.observation, "q", "epsilon")
    flips = [
        pixel_flipping(
            *(task.network, task.observation, relevance),
            n_patches=N_PATCHES,
            replacement=replacement,
        )
        for replacement in REPLACED_BY
    ]
    expected = np.mean([flip.relative_area for flip in flips], axis=0)
    np.testing.assert_allclose(found.scores["flipping"].values, expected)
    cosines = target_sensitivity(task.network, task.observation, "q", "epsilon").mean
    np.testing.assert_allclose(found.scores["sensitivity"].values, cosines)
    assert found.scores["flipping"].interval.mean == pytest.approx(expected.mean())
    gap = np.subtract(found.curves["q-random"], found.curves["q"])[1:].mean()
    assert gap == pytest.approx(expected.mean())  # the picture shows what the table says
    assert found.curves["q"][0] == pytest.approx(1)


def test_every_metric_gives_finite_numbers_and_reports_its_stages(task):
    stages = []
    metrics = [name for name in METRICS if name != "strategies"]
    methods = ["epsilon-gamma-box", "gradient-x-input", "random"]
    found = evaluate(task, methods, metrics, progress=stages.append)
    assert len(stages) == len(methods) * len(metrics)
    assert [result.kind for result in found] == ["lrp", "baseline", "control"]
    for result in found:
        for score in result.scores.values():
            assert np.isfinite(score.values).all()
            assert score.interval.low <= score.interval.mean <= score.interval.high
    # what is known of these three
    by_name = {result.method: result.scores for result in found}
    assert by_name["random"]["sensitivity"].interval.mean == pytest.approx(1)
    assert by_name["random"]["randomisation"].interval.mean == pytest.approx(1)
    assert by_name["gradient-x-input"]["invariance"].interval.mean < 1e-4


def result(method, kind, values, metric="flipping"):
    score = Score(tuple(values), bootstrap_interval(values))
    return Result(method, kind, {metric: score}, {}, 1.0)


RESULTS = (
    result("epsilon", "lrp", [0.5, 0.6, 0.7]),
    result("occlusion", "baseline", [0.6, 0.7, 0.8]),
    result("gradient", "baseline", [0.1, 0.2, 0.0]),
    result("random", "control", [0.9, 0.9, 0.9]),
)


def test_the_best_is_marked_and_controls_cannot_win():
    assert winners(RESULTS) == {"flipping": "occlusion"}
    assert [row["method"] for row in rows(RESULTS) if row["best"]] == ["occlusion"]
    assert "**0.70" in markdown(RESULTS, "title")
    lower = [result(r.method, r.kind, r.scores["flipping"].values, "continuity") for r in RESULTS]
    assert winners(lower) == {"continuity": "gradient"}
    neither = [result(r.method, r.kind, r.scores["flipping"].values, "agreement") for r in RESULTS]
    assert winners(neither) == {}


@pytest.mark.parametrize(
    ("baseline", "said", "won"),
    [
        ([0.6, 0.7, 0.8], "beats the best LRP composite, epsilon, by 0.100", True),
        ([0.4, 0.5, 0.6], "loses to the best LRP composite, epsilon, by 0.100", False),
        ([0.9, 0.2, 0.8], "is level with the best LRP composite, epsilon", False),
    ],
)
def test_the_table_says_when_a_baseline_beats_lrp(baseline, said, won):
    (duel,) = duels((RESULTS[0], result("occlusion", "baseline", baseline)))
    assert said in duel.text
    assert duel.won is won
    lines = markdown((RESULTS[0], result("occlusion", "baseline", baseline)), "title")
    assert said in lines


def test_where_lower_is_better_the_lower_one_wins():
    composite = result("epsilon", "lrp", [0.5, 0.6, 0.7], "randomisation")
    baseline = result("occlusion", "baseline", [0.1, 0.2, 0.3], "randomisation")
    (duel,) = duels((composite, baseline))
    assert duel.won
    assert duel.advantage.mean == pytest.approx(0.4)


def test_nothing_to_compare_gives_no_duel():
    assert duels(RESULTS[1:]) == ()
    assert duels(()) == ()


def test_the_terminal_shows_every_method():
    console = Console(width=100, record=True, file=StringIO())
    console.print(rich_table(RESULTS, "title"))
    shown = console.export_text()
    for each in RESULTS:
        assert each.method in shown
    assert "0.70 ±0.10*" in shown


def test_bad_tasks_are_refused(task):
    with pytest.raises(ConfigurationError, match="one method and one metric"):
        evaluate(task, [], QUICK_METRICS)
    with pytest.raises(UnknownNameError, match="did you mean 'occlusion'"):
        evaluate(task, ["oclusion"], QUICK_METRICS)
    with pytest.raises(UnknownNameError, match="did you mean 'flipping'"):
        evaluate(task, ["epsilon"], ["fliping"])
    with pytest.raises(ConfigurationError, match="planted agents"):
        evaluate(task, ["epsilon"], ["strategies"])
    few = Task(task.network, task.observation[:2])
    with pytest.raises(ObservationError, match="3 frames or more, got 2"):
        evaluate(few, ["epsilon"], QUICK_METRICS)
