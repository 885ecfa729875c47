"""zennit 0.5.1 or 1.0, captum and autolrp as oracles: on deep copies, for they change models.

zennit imports torchvision for canonizers that nothing here needs; empty classes stand in for it.
"""

import copy
import sys
import types

import torch
from torch import nn

_STAND_INS = {
    "torchvision": (),
    "torchvision.ops": ("FrozenBatchNorm2d",),
    "torchvision.models": (),
    "torchvision.models.resnet": ("Bottleneck", "BasicBlock", "ResNet"),
    "torchvision.models.vgg": ("VGG",),
}


def _zennit():
    """The package, imported with the stand-ins, which are taken away again."""
    added = [name for name in _STAND_INS if name not in sys.modules]
    for name in added:
        module = types.ModuleType(name)
        vars(module).update({kind: type(kind, (nn.Module,), {}) for kind in _STAND_INS[name]})
        sys.modules[name] = module
        if parent := name.rpartition(".")[0]:
            setattr(sys.modules[parent], name.rpartition(".")[2], module)
    try:
        import zennit.attribution
        import zennit.composites
        import zennit.rules
    finally:
        for name in added:
            del sys.modules[name]
    return zennit


zennit = _zennit()

ZENNIT_RULES = {
    "epsilon": lambda: zennit.rules.Epsilon(),
    "gamma": lambda: zennit.rules.Gamma(0.25),
    "z_plus": lambda: zennit.rules.ZPlus(),
    "alpha_beta": lambda: zennit.rules.AlphaBeta(2, 1),
    "z_box": lambda: zennit.rules.ZBox(-1.0, 2.0),
    "w_square": lambda: zennit.rules.WSquare(),
    "flat": lambda: zennit.rules.Flat(),
}
"""By the names of ``rlmonitor.lrp.RULES``, with the same settings."""


def _composite(convolution, first=None):
    """zennit's own recipe for a preset of ours: epsilon on dense layers."""
    layers = [
        *zennit.composites.layer_map_base(),
        (zennit.types.Convolution, convolution),
        (nn.Linear, zennit.rules.Epsilon()),
    ]
    if first is None:
        return zennit.composites.LayerMapComposite(layers)
    firsts = [(zennit.types.Convolution, first)]
    return zennit.composites.SpecialFirstLayerMapComposite(layers, firsts)


def _box():
    return zennit.rules.ZBox(0.0, 1.0)


ZENNIT_COMPOSITES = {
    "epsilon-gamma-box": lambda: zennit.composites.EpsilonGammaBox(0.0, 1.0),
    "epsilon-plus-flat": lambda: zennit.composites.EpsilonPlusFlat(),
    "epsilon-plus-box": lambda: _composite(zennit.rules.ZPlus(), _box()),
    "epsilon-gamma-square": lambda: _composite(zennit.rules.Gamma(0.25), zennit.rules.WSquare()),
    "epsilon-alpha2-beta1-box": lambda: _composite(zennit.rules.AlphaBeta(2, 1), _box()),
    "epsilon-alpha2-beta1-flat": lambda: zennit.composites.EpsilonAlpha2Beta1Flat(),
    "epsilon": lambda: _composite(zennit.rules.Epsilon()),
}
"""By the names of ``rlmonitor.lrp.COMPOSITES``."""


def zennit_map(module, observation, seed, composite):
    """zennit's relevance; ``seed`` is the outputs' relevance, a tensor or a function of them."""
    attributor = zennit.attribution.Gradient(copy.deepcopy(module), composite)
    with attributor as explain:
        return explain(observation.clone(), seed)[1].detach()


def zennit_layer(module, entering, relevance, rule):
    """zennit's relevance of one layer's input under one rule."""
    composite = zennit.composites.LayerMapComposite([((nn.Conv2d, nn.Linear), rule)])
    return zennit_map(nn.Sequential(module), entering, relevance, composite)


def captum_epsilon(module, observation, action):
    """captum's relevance under epsilon in all layers."""
    from captum.attr import LRP
    from captum.attr._utils.lrp_rules import EpsilonRule

    own = copy.deepcopy(module)
    for layer in own.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.rule = EpsilonRule(epsilon=1e-6)
    return LRP(own).attribute(observation.clone().requires_grad_(), target=action).detach()


def autolrp_epsilon(module, observation, action):
    """autolrp's relevance under epsilon in all layers, of one frame, for an output of 1."""
    import autolrp

    wrapped = autolrp.tensor(observation.clone())
    copy.deepcopy(module)(wrapped)[0, action].lrp(config=autolrp.LRPConfig(eps=1e-6))
    return wrapped.relevance.detach()


def greedy_seed(outputs):
    """Q of the greedy action, as the outputs' relevance."""
    return nn.functional.one_hot(outputs.argmax(1), outputs.shape[1]).to(outputs) * outputs


def all_tensors(module):
    """Bit-exact copies of parameters and buffers."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same_tensors(module, before):
    """Whether they are still the same, bit for bit."""
    return all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
