"""Layer-wise relevance propagation: rules, composites, networks and their explanation."""

from rlmonitor.lrp.composites import COMPOSITES, DEFAULT_COMPOSITE, Composite
from rlmonitor.lrp.layers import Convolution, Dense, Scale
from rlmonitor.lrp.network import Activations, Network
from rlmonitor.lrp.observations import Windows
from rlmonitor.lrp.policies import network_of
from rlmonitor.lrp.propagation import Relevance, attribute, attribute_targets
from rlmonitor.lrp.rules import RULES, Branch, Part, Rule
from rlmonitor.lrp.targets import ACTOR_CRITIC_TARGETS, TARGETS

__all__ = [
    "ACTOR_CRITIC_TARGETS",
    "COMPOSITES",
    "DEFAULT_COMPOSITE",
    "RULES",
    "TARGETS",
    "Activations",
    "Branch",
    "Composite",
    "Convolution",
    "Dense",
    "Network",
    "Part",
    "Relevance",
    "Rule",
    "Scale",
    "Windows",
    "attribute",
    "attribute_targets",
    "network_of",
]
