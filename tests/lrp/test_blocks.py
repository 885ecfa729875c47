"""Convolutions over blocks of pixels against the convolution that they stand for."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from rlmonitor.lrp.blocks import by_blocks
from rlmonitor.lrp.layers import Convolution, SpaceToDepth, arranged


def random(*shape, dtype=torch.float64, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


@settings(deadline=None)
@given(
    stride=st.integers(2, 5),
    blocks=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    rest=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    channels=st.integers(1, 6),
    single=st.booleans(),
)
def test_convolution_over_blocks_is_the_convolution_and_so_is_its_transpose(
    stride, blocks, rest, channels, single
):
    dtype = torch.float32 if single else torch.float64
    kernel = stride * blocks[0], stride * blocks[1]
    size = 2 * kernel[0] + rest[0], kernel[1] + stride + rest[1]
    module = nn.Conv2d(channels, 3, kernel, stride).to(dtype)
    first, second = by_blocks(Convolution(module, (stride, stride)))
    value = random(2, channels, *size, dtype=dtype).requires_grad_()
    expected = module(value)
    weight = second.parameters.weight
    blocked = first.forward(value)
    found = second.apply(blocked, weight, second.parameters.bias)
    close = {"rtol": 1e-5, "atol": 1e-4 if single else 1e-10}
    torch.testing.assert_close(found, expected, **close)
    upper = random(*expected.shape, dtype=dtype, seed=1)
    (gradient,) = torch.autograd.grad(expected, value, upper)
    below = second.transpose(arranged(upper), weight, blocked.shape)
    torch.testing.assert_close(first.backward(below, value), gradient, **close)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("contiguous", [True, False])
def test_space_to_depth_is_torchs(size, dtype, contiguous):
    value = random(2, 3, 4 * size, 5 * size, dtype=dtype)
    if not contiguous:
        value = value.transpose(2, 3)
    layer = SpaceToDepth(size)
    found = layer.forward(value)
    assert torch.equal(found, functional.pixel_unshuffle(value, size))
    assert torch.equal(layer.backward(found, value), value)


def test_one_number_for_all_pixels_of_a_block_comes_to_all_of_them():
    relevance = random(2, 1, 3, 4).expand(-1, 3 * 4, -1, -1)
    found = SpaceToDepth(2).backward(relevance, random(2, 3, 6, 8))
    assert torch.equal(found, functional.pixel_shuffle(relevance, 2))


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(4, 8, 8, 4, padding=1),
        nn.Conv2d(4, 8, 8, 4, dilation=2),
        nn.Conv2d(4, 8, 8, 4, groups=2),
        nn.Conv2d(4, 8, 7, 4),
        nn.Conv2d(4, 8, 8, (4, 2)),
        nn.Conv2d(4, 8, 3),
        nn.Conv2d(16, 8, 4, 2),
    ],
)
def test_other_convolutions_stay_as_they_are(module):
    layer = Convolution(module, module.stride, module.padding, module.dilation, module.groups)
    assert by_blocks(layer) is layer
