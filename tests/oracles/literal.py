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


class Lstm:
    """One window through an LSTM, and Arras et al. 2017 back through it, step by step.

    The messages are those of the authors' published code: a linear part hands ``w x / (out + eps)``
    down, and where ``bias_factor`` is 1 the bias and the stabiliser are shared out too, in equal
    parts among all that enters.
    """

    def __init__(self, module, steps, hidden, cell, starts):
        self.weights = []
        for layer in range(module.num_layers):
            names = [f"weight_ih_l{layer}", f"weight_hh_l{layer}"]
            parts = [getattr(module, name).detach().numpy() for name in names]
            bias = np.zeros(len(parts[0]))
            if module.bias:
                bias = getattr(module, f"bias_ih_l{layer}") + getattr(module, f"bias_hh_l{layer}")
                bias = bias.detach().numpy()
            self.weights.append((*parts, bias))
        self.entering, self.hidden, self.seen = [], [], []
        for (w, u, b), h, c in zip(self.weights, hidden, cell, strict=True):
            self.entering.append(steps)
            seen, outputs = [], []
            for x, start in zip(steps, starts, strict=True):
                if start:
                    h, c = np.zeros_like(h), np.zeros_like(c)
                before_h, before_c = h, c
                z = w @ x + u @ h + b
                i, f, g, o = np.split(z, 4)
                i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
                c = f * c + i * np.tanh(g)
                h = o * np.tanh(c)
                seen.append((before_h, f * before_c, i * np.tanh(g), c, g))
                outputs.append(h)
            self.seen.append(seen)
            self.hidden.append(outputs)
            steps = np.array(outputs)

    def relevance(self, above, bias_factor=0.0, eps=1e-6):
        """Relevance of all inputs ``[T, D]``, that of the first states, what else was lost."""
        n_steps = len(self.entering[0])
        upper = [np.zeros_like(above)] * (n_steps - 1) + [above]
        before, arrived = 0.0, above.sum()
        for number in reversed(range(len(self.weights))):
            w, u, b = (np.split(one, 4)[2] for one in self.weights[number])
            n_units = len(b)
            r_hidden, r_cell = np.zeros(n_units), np.zeros(n_units)
            below = np.zeros_like(self.entering[number])
            for t in reversed(range(n_steps)):
                hidden, kept, written, cell, inner = self.seen[number][t]
                x = self.entering[number][t]
                r_cell = r_cell + r_hidden + upper[t]
                one, none = np.eye(n_units), np.zeros(n_units)
                shared = one, none, cell, r_cell, 2 * n_units, eps, bias_factor
                r_signal = _linear(written, *shared)
                if bias_factor:  # diagonal: what a unit shares out stays among its two parents
                    r_signal = _pair(written, cell, r_cell, eps)
                    r_cell = _pair(kept, cell, r_cell, eps)
                else:
                    r_cell = _linear(kept, *shared)
                rest = b, inner, r_signal, n_units + len(x), eps, bias_factor
                below[t] = _linear(x, w, *rest)
                r_hidden = _linear(hidden, u, *rest)
            before += r_hidden.sum() + r_cell.sum()
            upper = list(below)
        return below, before, arrived - below.sum() - before


def _linear(x, weight, bias, out, relevance, n_units, eps, bias_factor):
    sign = np.where(out >= 0, 1.0, -1.0)
    found = np.zeros(len(x))
    for k in range(len(out)):
        for j in range(len(x)):
            extra = bias_factor * (bias[k] + eps * sign[k]) / n_units
            found[j] += (weight[k, j] * x[j] + extra) / (out[k] + eps * sign[k]) * relevance[k]
    return found


def _pair(part, out, relevance, eps):
    extra = eps * np.where(out >= 0, 1.0, -1.0)
    return (part + extra / 2) / (out + extra) * relevance
