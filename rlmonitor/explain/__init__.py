"""Other explanations under LRP's interface, and how far any explanation may be believed."""

from rlmonitor.explain.axioms import (
    Boundedness,
    Conservation,
    Continuity,
    ImplementationInvariance,
    boundedness,
    conservation,
    continuity,
    implementation_invariance,
)
from rlmonitor.explain.baselines import METHODS, Method, explain
from rlmonitor.explain.comparison import (
    Agreement,
    TargetSensitivity,
    agreement,
    rule_agreement,
    target_sensitivity,
)
from rlmonitor.explain.faithfulness import SpotCheck, spot_check
from rlmonitor.explain.flipping import Curves, PixelFlipping, pixel_flipping
from rlmonitor.explain.intervals import Interval, bootstrap_interval
from rlmonitor.explain.question import Question
from rlmonitor.explain.randomisation import Randomisation, cascading_randomisation
from rlmonitor.explain.replacement import REPLACEMENTS

__all__ = [
    "METHODS",
    "REPLACEMENTS",
    "Agreement",
    "Boundedness",
    "Conservation",
    "Continuity",
    "Curves",
    "ImplementationInvariance",
    "Interval",
    "Method",
    "PixelFlipping",
    "Question",
    "Randomisation",
    "SpotCheck",
    "TargetSensitivity",
    "agreement",
    "bootstrap_interval",
    "boundedness",
    "cascading_randomisation",
    "conservation",
    "continuity",
    "explain",
    "implementation_invariance",
    "pixel_flipping",
    "rule_agreement",
    "spot_check",
    "target_sensitivity",
]
