"""What every preset must keep to."""

import pytest
from torch import nn

from rlmonitor.errors import ConfigurationError, UnknownNameError
from rlmonitor.lrp import COMPOSITES, DEFAULT_COMPOSITE, RULES, Composite, Convolution, Dense
from rlmonitor.lrp.composites import composite_of

DENSE, CONVOLUTION = Dense(nn.Linear(2, 2)), Convolution(nn.Conv2d(1, 1, 1))


@pytest.mark.parametrize("name", COMPOSITES)
@pytest.mark.parametrize("is_first", [False, True])
def test_dense_layers_get_epsilon(name, is_first):
    """z_plus there makes maps that hardly depend on what is explained (Sixt et al. 2020)."""
    rule = COMPOSITES[name].rule_for(DENSE, is_first=is_first, path="x")
    assert rule == RULES["epsilon"]()


@pytest.mark.parametrize(
    ("name", "first", "later"),
    [
        ("epsilon-gamma-box", "z_box", "gamma(0.25)"),
        ("epsilon-plus-flat", "flat", "z_plus"),
        ("epsilon-plus-box", "z_box", "z_plus"),
        ("epsilon-gamma-square", "w_square", "gamma(0.25)"),
        ("epsilon-alpha2-beta1-box", "z_box", "alpha_beta(2, 1)"),
        ("epsilon-alpha2-beta1-flat", "flat", "alpha_beta(2, 1)"),
        ("epsilon", "epsilon(1e-06)", "epsilon(1e-06)"),
    ],
)
def test_names_tell_the_rules(name, first, later):
    composite = COMPOSITES[name]
    assert composite.rule_for(CONVOLUTION, is_first=True, path="x").name == first
    assert composite.rule_for(CONVOLUTION, is_first=False, path="x").name == later


def test_registry():
    assert next(iter(COMPOSITES)) == DEFAULT_COMPOSITE == "epsilon-gamma-box"
    assert all(composite.name == name for name, composite in COMPOSITES.items())


def test_first_match_wins():
    rules = (((Dense,), RULES["epsilon"]()), ((Dense, Convolution), RULES["flat"]()))
    own = Composite("own", rules)
    assert own.rule_for(DENSE, is_first=False, path="x").name.startswith("epsilon")
    assert own.rule_for(CONVOLUTION, is_first=False, path="x").name == "flat"
    assert composite_of(own) is own


def test_unknown_name_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'epsilon-gamma-box'"):
        composite_of("epsilon-gama-box")


def test_a_layer_without_a_rule_is_named():
    own = Composite("own", (((Dense,), RULES["epsilon"]()),))
    with pytest.raises(ConfigurationError, match=r"'own' has no rule for Convolution at cnn\.0"):
        own.rule_for(CONVOLUTION, is_first=True, path="cnn.0")
