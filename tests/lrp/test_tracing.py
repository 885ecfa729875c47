"""Modules that overwrite their tensors: what torch computes, or refused, never something else."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles.networks import seeded
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune

from rlmonitor.errors import UnsupportedLayerError
from rlmonitor.lrp import network_of

SHAPE = 4, 3, 2


class Written(nn.Module):
    """A body that a function computes, and a head."""

    def __init__(self, body, shape=SHAPE):
        super().__init__()
        self.conv, self.same = nn.Conv2d(4, 4, 1), nn.Identity()
        self.relu, self.leaky = nn.ReLU(inplace=True), nn.LeakyReLU(0.1, inplace=True)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("mean", torch.full((1, 4, 1, 1), 0.2))
        self.gain = nn.Parameter(torch.ones(2))
        self.body = body
        with torch.no_grad():
            rows = body(self.eval(), torch.zeros(1, *shape)).flatten(1)
        self.head = nn.Linear(rows.shape[1], 2)

    def forward(self, value):
        return self.head(self.body(self, value).flatten(1))


def frames(n_frames=3, shape=SHAPE):
    return torch.randn(n_frames, *shape, generator=torch.Generator().manual_seed(0)).double()


def made(body):
    with torch.random.fork_rng():
        return seeded(Written(body)).double().eval()


def assert_the_same(module, value):
    with torch.no_grad():
        expected = module(value.clone())
    torch.testing.assert_close(network_of(module).forward(value), expected, rtol=1e-10, atol=1e-12)


def plain_iadd(m, x):
    old = y = m.conv(x)
    y += x
    return y * 2 + old


def iadd_then_the_old_name(m, x):
    y = m.conv(x)
    old = y
    y += 1.5
    return torch.cat([old, y], 1)


def every_operator(m, x):
    y = m.conv(x)
    old = y
    y -= x
    y *= 3
    y /= m.gain
    return old - y


def methods(m, x):
    y = m.conv(x)
    y.relu_().add_(x, alpha=2).mul_(-0.5).sub_(m.mean).div_(4)
    return y


def functions(m, x):
    y = m.conv(x)
    torch.relu_(y)
    return y + torch.tanh_(m.conv(x))


def relu_on_a_residual_branch(m, x):
    return m.conv(m.relu(x)) + x


def positional_settings(m, x):
    y = m.conv(x)
    functional.leaky_relu(y, 0.2, True)
    return y + functional.relu(y, True)


def dropped_in_place(m, x):
    y = functional.dropout(m.conv(x), 0.5, m.training, True)
    z = m.relu(m.drop(y))
    return z + y


def identity_is_the_same_tensor(m, x):
    y = m.conv(x)
    z = m.same(y)
    m.relu(y)
    return z - x


def a_copy_is_not(m, x):
    y = m.conv(x)
    z = y.clone()
    m.relu(y)
    return z - y


def overwritten_before_it_is_viewed(m, x):
    y = m.conv(x)
    m.leaky(y)
    return y.flatten(1) - functional.relu(y.flatten(1))


def a_view_that_alone_is_left(m, x):
    return m.relu(m.conv(x).flatten(1).view(x.size(0), -1))


def twice_in_place(m, x):
    y = m.conv(x)
    one = m.leaky(y)
    two = m.relu(one)
    return y + one + two


def a_mode_that_makes_a_difference(m, x):
    return m.conv(x) * 7 if m.training else m.conv(x)


def constants(m, x):
    deviation = (m.mean.square() + 1).sqrt().view(4, 1, 1)
    return 1 - (m.conv(x / 255 - 0.5) - m.mean) / deviation * m.gain[:1] - x.neg()


def negated(m, x):
    return -m.conv(x) + torch.sub(0.5, x, alpha=2)


def chosen(m, x):
    one, two = m.conv(x)[:, :3].chunk(2, 1)
    three, four = x.split([1, 3], dim=1)
    five = x[..., 0][:, None, 1:, :].flatten(1)
    return torch.cat([one.flatten(1), two.flatten(1), three.flatten(1), five, four[:, -1, 0]], 1)


def casts(m, x):
    return m.conv(x.to("cpu")).contiguous() + x


COMPUTED = [
    plain_iadd,
    iadd_then_the_old_name,
    every_operator,
    methods,
    functions,
    relu_on_a_residual_branch,
    positional_settings,
    dropped_in_place,
    identity_is_the_same_tensor,
    a_copy_is_not,
    overwritten_before_it_is_viewed,
    a_view_that_alone_is_left,
    twice_in_place,
    a_mode_that_makes_a_difference,
    constants,
    negated,
    chosen,
    casts,
]


@pytest.mark.parametrize("body", COMPUTED, ids=lambda body: body.__name__)
@pytest.mark.parametrize("training", [False, True])
def test_what_is_computed(body, training):
    module = made(body)
    with torch.no_grad():
        expected = module(frames())
    network = network_of(module.train(training))
    assert module.training == module.drop.training == training
    torch.testing.assert_close(network.forward(frames()), expected, rtol=1e-10, atol=1e-12)


def a_view_of_a_view(m, x):
    y = m.conv(x)
    m.relu(y.flatten(1).view(x.size(0), 2, -1))
    return y


def a_view_before(m, x):
    y = m.conv(x)
    view = y.flatten(1)
    m.relu(y)
    return view


def a_slice(m, x):
    y = m.conv(x)
    part = y[:, :2]
    part += 1
    return y


def a_chunk(m, x):
    y = m.conv(x)
    m.relu(y.chunk(2, 1)[0])
    return y


def a_permuted_view(m, x):
    y = m.conv(x)
    m.leaky(y.permute(0, 2, 3, 1))
    return y


def contiguous_or_not(m, x):
    y = m.conv(x)
    m.relu(y.contiguous())
    return y


def output_argument(m, x):
    y = m.conv(x)
    torch.add(y, x, out=y)
    return y


def item_assignment(m, x):
    y = m.conv(x)
    y[:, 0] = 0
    return y


def masked(m, x):
    y = m.conv(x)
    y.masked_fill_(y > 0, 0)
    return y


def copied_into(m, x):
    y = m.conv(x)
    y.copy_(x)
    return y


def of_the_data(m, x):
    y = m.conv(x)
    y.data.add_(1)
    return y


def of_a_buffer(m, x):
    m.mean.add_(1)
    return m.conv(x) + m.mean


def to_integers(m, x):
    return m.conv(x) + x.to(torch.int64)


def noise(m, x):
    return m.conv(x) + torch.randn(1)


def dropout_that_is_always_on(m, x):
    return functional.dropout(m.conv(x))


def frames_chosen(m, x):
    return m.conv(x)[0:1]


REFUSED = {
    a_view_of_a_view: r"in place on a view of a tensor in use at relu\b",
    a_view_before: r"in place on a view of a tensor in use at relu\b",
    a_slice: "in place on a view of a tensor in use at iadd",
    a_chunk: r"in place on a view of a tensor in use at relu\b",
    a_permuted_view: "in place on a view of a tensor in use at leaky",
    contiguous_or_not: r"in place on a view of a tensor in use at relu\b",
    output_argument: r"add \(.*'out'.*\) at add",
    item_assignment: "cannot be traced .* item assignment",
    masked: "no LRP rule covers gt at gt",
    copied_into: "copy_ at copy_",
    of_the_data: "getattr at getattr",
    of_a_buffer: "add_ on 0 tensors at add_",
    to_integers: r"to .to torch.int64; only to floating point",
    noise: "a tensor is made in forward; make it a buffer",
    dropout_that_is_always_on: "dropout .that is always on",
    frames_chosen: r"getitem \(of slice\(0, 1, None\); only of other axes than the batch",
}


@pytest.mark.parametrize("body", REFUSED, ids=lambda body: body.__name__)
def test_what_is_refused(body):
    module = made(body)
    before = set(vars(module))
    with pytest.raises(UnsupportedLayerError, match=REFUSED[body]):
        network_of(module)
    assert set(vars(module)) == before


KINDS = "image", "rows", "part"
NEW = {
    "conv": ("image", "image", lambda m, x: m.conv(x)),
    "add one": (None, None, lambda m, x: x + 1),
    "same": (None, None, lambda m, x: m.same(x)),
    "clone": (None, None, lambda m, x: x.clone()),
    "halve": (None, None, lambda m, x: x / -2),
    "flatten": ("image", "rows", lambda m, x: x.flatten(1)),
    "unflatten": ("rows", "image", lambda m, x: x.view(-1, *SHAPE)),
    "slice": ("image", "part", lambda m, x: x[:, 1:3]),
    "chunk": ("image", "part", lambda m, x: torch.chunk(x, 2, 1)[1]),
    "double": ("part", "image", lambda m, x: torch.cat([x, x], 1)),
}
"""Calls that give another name: what they take, what they give."""

OVERWRITING = {
    "relu": lambda m, x, y: m.relu(x),
    "leaky": lambda m, x, y: functional.leaky_relu(x, 0.3, inplace=True),
    "tanh_": lambda m, x, y: x.tanh_(),
    "iadd": lambda m, x, y: x.__iadd__(y),
    "imul": lambda m, x, y: x.__imul__(0.7),
    "sub_": lambda m, x, y: x.sub_(y),
}


@st.composite
def programs(draw):
    """Lines that make new names of old ones or overwrite them; the kind of each name."""
    lines, kinds = [], ["image"]
    for _ in range(draw(st.integers(2, 6))):
        at = draw(st.integers(0, len(kinds) - 1))
        if draw(st.booleans()):
            fits = [name for name in NEW if NEW[name][0] in (None, kinds[at])]
            name = draw(st.sampled_from(sorted(fits)))
            kinds.append(NEW[name][1] or kinds[at])
            lines.append((name, at, None))
        else:
            like = [k for k, kind in enumerate(kinds) if kind == kinds[at]]
            name = draw(st.sampled_from(sorted(OVERWRITING)))
            lines.append((name, at, draw(st.sampled_from(like))))
            kinds.append(kinds[at])
    return lines


def run(lines, m, x):
    names = [m.conv(x)]
    for name, at, other in lines:
        if name in NEW:
            names.append(NEW[name][2](m, names[at]))
        else:
            names.append(OVERWRITING[name](m, names[at], names[other]))
    return torch.cat([one.flatten(1) for one in names], 1)


@settings(max_examples=300, deadline=None)
@given(lines=programs())
def test_programs_are_computed_as_torch_does_or_refused(lines):
    try:
        module = made(lambda m, x: run(lines, m, x))
    except RuntimeError as error:  # torch itself refuses to overwrite what it reads in part
        assume("single memory location" not in str(error))
        raise
    try:
        network_of(module)
    except UnsupportedLayerError as error:
        assert "in place on a view of a tensor in use" in str(error)  # noqa: PT017
        return
    assert_the_same(module, frames())


def test_a_weight_that_a_hook_computes_is_refused():
    module = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 2))
    prune.l1_unstructured(module[0], "weight", 2)
    with pytest.raises(
        UnsupportedLayerError, match="Linear with a weight that a hook computes at 0"
    ):
        network_of(module)


class Sizes(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size, self.head = size, nn.Linear(24, 2)

    def forward(self, value):
        return self.head(value.view(self.size(value), -1))


@pytest.mark.parametrize(
    "size",
    [lambda x: x.size(0), lambda x: x.size(dim=0), lambda x: x.shape[0], lambda x: x.size()[0]],
)
def test_the_number_of_frames_may_be_read(size):
    assert_the_same(Sizes(size).double(), frames())


@pytest.mark.parametrize("size", [lambda x: x.shape[1:][0], lambda x: x.size(1), lambda x: x[0]])
def test_other_numbers_may_not(size):
    with pytest.raises(UnsupportedLayerError):
        network_of(Sizes(size))
