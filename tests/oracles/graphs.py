"""Networks that are no chains of layers, one for each thing that a graph may hold.

All activations here are linear on either side of 0, so LRP-0 is gradient times input, biases or
not, once normalisations hold constant what LRP does: build the graphs with this module's for that.
"""

import math

import torch
from torch import nn
from torch.nn import functional


def detached_norm(value, groups, eps):
    """Centred and scaled, with a deviation that no gradient passes."""
    rows = value.reshape(len(value), groups, -1)
    centred = rows - rows.mean(2, keepdim=True)
    deviation = (centred.pow(2).mean(2, keepdim=True) + eps).sqrt().detach()
    return (centred / deviation).reshape(value.shape)


class LayerNorm(nn.LayerNorm):
    def forward(self, value):
        groups = value[0].numel() // math.prod(self.normalized_shape)
        scaled = detached_norm(value, groups, self.eps)
        return scaled * self.weight + self.bias if self.elementwise_affine else scaled


class GroupNorm(nn.GroupNorm):
    def forward(self, value):
        scaled = detached_norm(value, self.num_groups, self.eps)
        return scaled * self.weight[:, None, None] + self.bias[:, None, None]


class Graph(nn.Module):
    """A convolution, what is under test, a head; ``norms`` are torch's own or ours."""

    shape = (2, 9, 8)

    def __init__(self, norms=nn):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 3)
        self.build(norms)
        self.eval()
        with torch.no_grad():
            n_features = self.body(self.stem(torch.zeros(1, *self.shape))).flatten(1).shape[1]
        self.head = nn.Linear(n_features, 3)

    def build(self, norms):
        pass

    def forward(self, value):
        return self.head(torch.flatten(self.body(self.stem(value)), 1))


class Block(Graph):
    def build(self, norms):
        self.one, self.two = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)

    def body(self, value):
        return functional.relu(self.two(torch.relu(self.one(value))) + value)


class ManyUses(Graph):
    """A tensor that feeds four layers; sums in every spelling; one layer used twice."""

    def build(self, norms):
        self.one = nn.Conv2d(4, 4, 3, padding=1)

    def body(self, value):
        once = functional.leaky_relu(self.one(value), 0.2)
        twice = torch.add(self.one(once), value, alpha=2)
        twice = twice.add(once)
        twice += value
        return torch.relu(twice.sub(once) - 0.5 * value + (value + value) / 3)


class Joined(Graph):
    def build(self, norms):
        self.one, self.two = nn.Conv2d(4, 3, 3, padding=1), nn.Conv2d(7, 2, 1)

    def body(self, value):
        joined = self.two(torch.cat([torch.relu(self.one(value)), value], dim=1))
        rows = joined.flatten(2)
        return torch.concat((rows.transpose(1, 2), value.permute(0, 2, 3, 1).flatten(1, 2)), -1)


class Reshaped(Graph):
    def build(self, norms):
        self.unflatten, self.back = nn.Unflatten(1, (2, 2)), nn.Flatten(1, 2)

    def body(self, value):
        value = self.back(torch.relu(self.unflatten(value)))
        value = value.view(value.size(0), 2, 2, -1).permute((0, 3, 2, 1)).contiguous()
        return value.unsqueeze(1).squeeze(1).reshape(value.shape[0], -1)


class Maxima(Graph):
    def build(self, norms):
        self.pool = nn.MaxPool2d((3, 2), stride=2, padding=1, ceil_mode=True)
        self.adaptive = nn.AdaptiveMaxPool2d((2, None))

    def body(self, value):
        overlapping = functional.max_pool2d(value, 3, 1, padding=1)
        joined = torch.cat(
            [self.pool(value), functional.adaptive_max_pool2d(overlapping, (4, 4))], 1
        )
        return self.adaptive(joined)


class Averages(Graph):
    def build(self, norms):
        self.pool = nn.AvgPool2d(3, 2, padding=1, ceil_mode=True, count_include_pad=False)
        self.adaptive = nn.AdaptiveAvgPool2d((2, 3))

    def body(self, value):
        one = functional.avg_pool2d(self.pool(value), 2, divisor_override=3).flatten(1)
        two = functional.adaptive_avg_pool2d(self.adaptive(value), 1).flatten(1)
        three = value.mean((2, 3)) + torch.mean(value, dim=3).mean(dim=-1)
        return torch.cat([one, two, three - value.mean((1, 2, 3), keepdim=True).flatten(1)], 1)


class BatchNorms(Graph):
    """One behind a convolution, one that something else looks past, one behind a Linear layer."""

    def build(self, norms):
        self.one, self.norm = nn.Conv2d(4, 4, 3, bias=False), nn.BatchNorm2d(4)
        self.two, self.other = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, affine=False)
        self.dense = nn.Sequential(nn.Linear(80, 6), nn.BatchNorm1d(6), nn.LeakyReLU())

    def body(self, value):
        value = torch.relu(self.norm(self.one(value)))
        value = self.two(value)
        value = value + self.other(value)
        return self.dense(value.flatten(1))


class Norms(Graph):
    def build(self, norms):
        self.first, self.second = norms.GroupNorm(2, 4), norms.LayerNorm((4, 7, 6))
        self.plain = norms.LayerNorm((4, 7, 6), elementwise_affine=False)
        self.dense = nn.Sequential(nn.Linear(168, 6), norms.LayerNorm(6), nn.ReLU())

    def body(self, value):
        value = torch.relu(self.first(value)) + self.second(value)
        return self.dense(self.plain(value).flatten(1))


class NormsOfSomeAxes(Graph):
    """Over channels alone, as in ConvNeXt, over rows and columns, and over the last axis."""

    def build(self, norms):
        self.channels, self.images = norms.LayerNorm(4), norms.LayerNorm((7, 6))
        self.plain = norms.LayerNorm(6, elementwise_affine=False)

    def body(self, value):
        last = self.channels(value.permute(0, 2, 3, 1))
        return self.plain(torch.relu(last.permute(0, 3, 1, 2)) + self.images(value))


class Constants(Graph):
    """Numbers, buffers and parameters in between; slices, chunks and their sums."""

    def build(self, norms):
        self.register_buffer("mean", torch.linspace(-1, 1, 4).view(1, 4, 1, 1))
        self.gain = nn.Parameter(torch.ones(7, 1))

    def body(self, value):
        value = functional.leaky_relu((value - self.mean) * self.gain / -0.3 + 0.1, 0.2)
        one, two = torch.chunk(1 - value, 2, dim=1)
        rest = value[:, 1:3, ::2, None, -1].flatten(1) - 0.5
        return torch.cat([(one - two).flatten(1), rest, -value[..., 0].flatten(1)], 1)


class Dueling(Graph):
    """Wang et al. 2016: a value and advantages less their mean."""

    def build(self, norms):
        self.value, self.advantage = nn.Linear(168, 1), nn.Linear(168, 3)

    def body(self, value):
        return value

    def forward(self, observation):
        features = torch.relu(self.stem(observation)).flatten(1)
        advantage = self.advantage(features)
        return self.value(features) + advantage - advantage.mean(dim=1, keepdim=True)


class InPlace(Graph):
    """Activations that overwrite what is added later, and what the stem gave."""

    def build(self, norms):
        self.relu, self.one = nn.ReLU(inplace=True), nn.Conv2d(4, 4, 1)

    def body(self, value):
        inside = self.one(self.relu(value))
        value = value + functional.leaky_relu(inside, 0.1, inplace=True)
        return value - inside / 2


GRAPHS = {kind.__name__: kind for kind in Graph.__subclasses__()}
"""All of them by name."""


def settled(module, seed=0):
    """The module in evaluation mode, batch normalisations with statistics as of a training."""
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.normal_(generator=generator)
            layer.running_var.uniform_(0.2, 2, generator=generator)
    return module.eval()
