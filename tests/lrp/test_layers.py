"""Layers and their transposes against torch's own."""

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from rlmonitor.lrp.layers import Convolution, Dense, Flatten, arranged
from rlmonitor.lrp.rules import same_everywhere

geometries = st.fixed_dictionaries(
    {
        "stride": st.tuples(*[st.integers(1, 5)] * 2) | st.integers(2, 5).map(lambda s: (s, s)),
        "padding": st.tuples(*[st.integers(0, 3)] * 2),
        "dilation": st.sampled_from([(1, 1), (1, 1), (1, 1), (1, 2)]),
        "groups": st.sampled_from([1, 1, 2]),
    }
)


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@settings(max_examples=150, deadline=None)
@given(
    geometry=geometries,
    channels=st.sampled_from([2, 4, 16]),
    kernel=st.tuples(*[st.integers(1, 6)] * 2),
    size=st.tuples(*[st.integers(12, 17)] * 2),
    alike=st.booleans(),
    single=st.booleans(),
)
def test_transpose_is_the_gradient(geometry, channels, kernel, size, alike, single):
    dtype = torch.float32 if single else torch.float64
    layer = Convolution(None, **geometry)
    weight = random(6, channels // layer.groups, *kernel).to(dtype)
    weight = same_everywhere(weight) if alike else arranged(weight)
    value = arranged(random(2, channels, *size, seed=1).to(dtype)).requires_grad_()
    output = functional.conv2d(
        value, weight, None, layer.stride, layer.padding, layer.dilation, layer.groups
    )
    close = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-4 if single else 1e-10)
    close(layer.apply(value, weight, None), output)
    upper = arranged(random(*output.shape, seed=2).to(dtype))
    (expected,) = torch.autograd.grad(output, value, upper)
    close(layer.transpose(upper, weight, value.shape), expected)


def test_dense_transpose_is_the_gradient():
    weight, value = random(3, 5), random(2, 5).requires_grad_()
    output = Dense(None).apply(value, weight, None)
    (expected,) = torch.autograd.grad(output, value, random(2, 3, seed=3))
    torch.testing.assert_close(Dense(None).transpose(random(2, 3, seed=3), weight, None), expected)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_flatten_goes_back_in_the_same_memory_format(memory_format):
    value = random(2, 3, 4, 5).contiguous(memory_format=memory_format)
    back = Flatten().backward(Flatten().forward(value), value)
    torch.testing.assert_close(back, value, rtol=0, atol=0)
    assert back.stride() == value.stride()
