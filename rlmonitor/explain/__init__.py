"""Other explanations under LRP's interface, how far any may be believed, and clusters explained."""

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
from rlmonitor.explain.clustering import NeuralizedKMeans, fit_k_means, k_means_of
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
from rlmonitor.explain.kernel_clustering import (
    NeuralizedKernelKMeans,
    fit_kernel_k_means,
    kernel_k_means_of,
)
from rlmonitor.explain.logistic import NeuralizedLogistic, fit_logistic
from rlmonitor.explain.neuralize import NEURALIZED, Decomposition, Neuralized, from_arrays
from rlmonitor.explain.novelty import NeuralizedOneClass, fit_novelty
from rlmonitor.explain.question import Question
from rlmonitor.explain.randomisation import Randomisation, cascading_randomisation
from rlmonitor.explain.replacement import REPLACEMENTS

__all__ = [
    "METHODS",
    "NEURALIZED",
    "REPLACEMENTS",
    "Agreement",
    "Boundedness",
    "Conservation",
    "Continuity",
    "Curves",
    "Decomposition",
    "ImplementationInvariance",
    "Interval",
    "Method",
    "Neuralized",
    "NeuralizedKMeans",
    "NeuralizedKernelKMeans",
    "NeuralizedLogistic",
    "NeuralizedOneClass",
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
    "fit_k_means",
    "fit_kernel_k_means",
    "fit_logistic",
    "fit_novelty",
    "from_arrays",
    "implementation_invariance",
    "k_means_of",
    "kernel_k_means_of",
    "pixel_flipping",
    "rule_agreement",
    "spot_check",
    "target_sensitivity",
]
