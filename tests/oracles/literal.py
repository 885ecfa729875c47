"""The rules of LRP again, as literally as they can be written: matrices and loops, in numpy.

A layer is a dense matrix ``weight[k, j]`` with a mask ``connected[k, j]`` that tells which inputs
an output looks at; the rules are written in contributions ``x_j w_jk``, not in modified weights.
"""

import numpy as np


def convolution_matrix(kernel, shape, stride, padding, dilation, groups):
    """``(weight, connected, outputs' shape)`` of a convolution on inputs ``[C, H, W]``."""
    n_out, group_in, kernel_height, kernel_width = kernel.shape
    channels, height, width = shape
    spans = [dilation[0] * (kernel_height - 1) + 1, dilation[1] * (kernel_width - 1) + 1]
    rows = (height + 2 * padding[0] - spans[0]) // stride[0] + 1
    columns = (width + 2 * padding[1] - spans[1]) // stride[1] + 1
    weight = np.zeros((n_out, rows, columns, channels, height, width))
    connected = np.zeros_like(weight, dtype=bool)
    for (o, r, c), (i, u, v) in _pairs((n_out, rows, columns), kernel.shape[1:]):
        y = r * stride[0] + u * dilation[0] - padding[0]
        x = c * stride[1] + v * dilation[1] - padding[1]
        if 0 <= y < height and 0 <= x < width:
            channel = o // (n_out // groups) * group_in + i
            weight[o, r, c, channel, y, x] = kernel[o, i, u, v]
            connected[o, r, c, channel, y, x] = True
    flat = n_out * rows * columns, channels * height * width
    return weight.reshape(flat), connected.reshape(flat), (n_out, rows, columns)


def _pairs(outer, inner):
    return ((at, within) for at in np.ndindex(*outer) for within in np.ndindex(*inner))


def _proportional(contributions, bias, relevance, stabiliser=1e-6):
    """Relevance to inputs in proportion to contributions; and what bias and stabiliser took."""
    received, absorbed = np.zeros(contributions.shape[1]), 0.0
    for k in range(len(relevance)):
        z = contributions[k].sum() + bias[k]
        extra = stabiliser if z >= 0 else -stabiliser
        received += contributions[k] * relevance[k] / (z + extra)
        absorbed += (bias[k] + extra) * relevance[k] / (z + extra)
    return received, absorbed


def epsilon(x, weight, connected, bias, relevance):
    return _proportional(weight * x, bias, relevance)


def gamma(x, weight, connected, bias, relevance, gamma=0.25):
    received, absorbed = np.zeros(len(x)), 0.0
    for k in range(len(relevance)):
        parts, own = weight[k] * x, bias[k]
        z = parts.sum() + own
        if z == 0:
            absorbed += relevance[k]
            continue
        favoured = np.maximum if z > 0 else np.minimum
        more = parts + gamma * favoured(parts, 0)
        own = own + gamma * favoured(own, 0)
        gets, loses = _proportional(more[None], [own], relevance[k : k + 1])
        received, absorbed = received + gets, absorbed + loses
    return received, absorbed


def z_plus(x, weight, connected, bias, relevance):
    return _proportional(np.maximum(weight * x, 0), np.maximum(bias, 0), relevance)


def alpha_beta(x, weight, connected, bias, relevance, alpha=2, beta=1):
    up = _proportional(np.maximum(weight * x, 0), np.maximum(bias, 0), relevance)
    down = _proportional(np.minimum(weight * x, 0), np.minimum(bias, 0), relevance)
    return alpha * up[0] - beta * down[0], alpha * up[1] - beta * down[1]


def z_box(x, weight, connected, bias, relevance, low=-1.0, high=2.0):
    edges = low * np.maximum(weight, 0) + high * np.minimum(weight, 0)
    return _proportional(weight * x - edges, np.zeros_like(bias), relevance)


def w_square(x, weight, connected, bias, relevance):
    return _proportional(weight**2, bias**2, relevance)


def flat(x, weight, connected, bias, relevance):
    return _proportional(connected.astype(float), np.zeros_like(bias), relevance)


TWINS = {
    "epsilon": epsilon,
    "gamma": gamma,
    "z_plus": z_plus,
    "alpha_beta": alpha_beta,
    "z_box": z_box,
    "w_square": w_square,
    "flat": flat,
}
"""By the names of ``rlmonitor.lrp.RULES``; inputs of z_box lie between -1 and 2."""
