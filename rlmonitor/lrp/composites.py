"""Composites: which rule for which layer.

A :class:`Composite` is an ordered list of (layer types, rule); the first match wins. The entries
of ``first`` are looked at before the others in layers that see the observation itself. All presets
take epsilon on dense layers, because z_plus there makes maps that hardly depend on what is
explained (Sixt et al. 2020, 'When Explanations Lie'). That holds for a dense first layer too
(vector observations): the inputs of a vector have no common box, and flat would give all of them
the same relevance.

Relevance of different composites must not be compared: the rule of the first layer alone changes
how much falls on a small object by a factor of ten.
"""

from __future__ import annotations

from dataclasses import dataclass

from rlmonitor.errors import ConfigurationError, UnknownNameError
from rlmonitor.lrp.layers import Affine, Convolution, Dense, Scale
from rlmonitor.lrp.rules import Rule, alpha_beta, epsilon, flat, gamma, w_square, z_box, z_plus

RuleTable = tuple[tuple[tuple[type[Affine], ...], Rule], ...]
"""Ordered pairs of layer types and the rule for them."""


@dataclass(frozen=True)
class Composite:
    """Rules by layer type.

    Attributes:
        name: goes into every result.
        rules: for any layer; first match wins.
        first: for layers that see the observation itself; looked at before ``rules``.
    """

    name: str
    rules: RuleTable
    first: RuleTable = ()

    def rule_for(self, layer: Affine, *, is_first: bool, path: str) -> Rule:
        """The rule for a layer; epsilon for a scaling that no entry mentions.

        Args:
            layer: one that has weights.
            is_first: whether it sees the observation itself.
            path: its module path, for the error message.

        Raises:
            ConfigurationError: no entry matches.
        """
        for types, rule in (self.first if is_first else ()) + self.rules:
            if isinstance(layer, types):
                return rule
        if isinstance(layer, Scale):  # one input for each output: no rule has a choice
            return _SCALE
        raise ConfigurationError(
            f"composite {self.name!r} has no rule for {type(layer).__name__} at {path}; "
            f"add (({type(layer).__name__},), rule) to its rules"
        )


_SCALE = epsilon()
_CONVOLUTION, _DENSE = (Convolution,), (Dense,)


def _preset(name: str, convolution: Rule, first: Rule | None = None) -> Composite:
    """Epsilon on dense layers, one rule on convolutions, another on the first convolution."""
    return Composite(
        name,
        rules=((_DENSE, epsilon()), (_CONVOLUTION, convolution)),
        first=() if first is None else ((_CONVOLUTION, first),),
    )


_PRESETS = (
    _preset("epsilon-gamma-box", gamma(0.25), z_box()),
    _preset("epsilon-plus-flat", z_plus(), flat()),
    _preset("epsilon-plus-box", z_plus(), z_box()),
    _preset("epsilon-gamma-square", gamma(0.25), w_square()),
    _preset("epsilon-alpha2-beta1-box", alpha_beta(2, 1), z_box()),
    _preset("epsilon-alpha2-beta1-flat", alpha_beta(2, 1), flat()),
    _preset("epsilon", epsilon()),
)

COMPOSITES: dict[str, Composite] = {preset.name: preset for preset in _PRESETS}
"""All presets by name, in order of recommendation."""

DEFAULT_COMPOSITE = "epsilon-gamma-box"


def composite_of(composite: str | Composite) -> Composite:
    """The composite of that name, or the given one.

    Raises:
        UnknownNameError: no preset has the name.
    """
    if isinstance(composite, Composite):
        return composite
    if composite not in COMPOSITES:
        raise UnknownNameError("composite", composite, COMPOSITES)
    return COMPOSITES[composite]
