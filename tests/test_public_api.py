import subprocess
import sys

import rlmonitor
from rlmonitor import errors


def test_the_public_names_are_these():
    assert sorted(rlmonitor.__all__) == [
        "Activations",
        "Analysis",
        "COMPOSITES",
        "Composite",
        "Event",
        "Monitor",
        "MonitorSettings",
        "Network",
        "Recording",
        "Relevance",
        "Round",
        "Run",
        "StopTrainingOnEvent",
        "StrategyMonitorCallback",
        "Windows",
        "attribute",
        "attribute_targets",
        "load_probe",
        "make_monitor_env",
        "network_of",
        "open_run",
        "run_round",
    ]


def test_every_public_name_can_be_imported_and_is_documented():
    for name in rlmonitor.__all__:
        assert getattr(rlmonitor, name).__doc__
    assert set(rlmonitor.__all__) < set(dir(rlmonitor))


def test_the_import_alone_loads_neither_torch_nor_stable_baselines3():
    code = "import sys, rlmonitor; print({'torch', 'stable_baselines3'} & set(sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "set()"


def test_unknown_names_are_attribute_errors():
    assert not hasattr(rlmonitor, "StrategyMonitor")


def test_the_tree_of_errors_is_the_one_drawn():
    drawn = [w for line in errors.__doc__.splitlines() for w in line.split() if w.endswith("Error")]
    defined = {
        n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, Exception)
    }
    assert set(drawn) == defined


def test_did_you_mean():
    assert errors.did_you_mean("brekout", ["breakout", "pong"]).startswith(
        "; did you mean 'breakout'"
    )
    assert errors.did_you_mean("xyz", ["breakout", "pong"]) == "; known: breakout, pong"
