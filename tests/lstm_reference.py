"""An LSTM in NumPy float64, a row and a step at a time, with its gradients written out: what the layer is held to."""

from __future__ import annotations

import numpy as np


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def forward(x, weights, h, c):
    """Outputs [step, units], last h and c, and what `backward` needs, of one row x: [step, input]."""
    kernel, recurrent, bias = weights
    outputs, tape = [], []
    for step in x:
        i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        before = h, c
        c = f * c + i * g
        h = o * np.tanh(c)
        outputs.append(h)
        tape.append((step, *before, i, f, g, o, c))
    return np.array(outputs).reshape(len(x), len(h)), h, c, tape


def backward(tape, weights, d_outputs, dh, dc):
    """Gradients of x, h, c and the weights, given those of the outputs and of the last h and c."""
    kernel, recurrent, _ = weights
    dx, d_kernel, d_recurrent = [], np.zeros_like(kernel), np.zeros_like(recurrent)
    d_bias = np.zeros(kernel.shape[1])
    for (step, h, c, i, f, g, o, now), d_output in zip(reversed(tape), reversed(d_outputs), strict=True):
        dh = dh + d_output
        dc = dc + dh * o * (1 - np.tanh(now) ** 2)
        parts = dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh * np.tanh(now) * o * (1 - o)
        dz = np.concatenate(parts)
        dx.insert(0, dz @ kernel.T)
        d_kernel, d_recurrent, d_bias = d_kernel + np.outer(step, dz), d_recurrent + np.outer(h, dz), d_bias + dz
        dh, dc = dz @ recurrent.T, dc * f
    return np.array(dx).reshape(len(tape), len(kernel)), dh, dc, (d_kernel, d_recurrent, d_bias)


def lstm(x, mask, weights, h, c, *, go_backwards, d_outputs, dh, dc):
    """A batch: outputs [batch, step, units] beside their inputs, last h and c; gradients of x, h, c and the weights."""
    x, h, c, d_outputs, dh, dc = (np.asarray(value, np.float64) for value in (x, h, c, d_outputs, dh, dc))
    weights = tuple(np.asarray(weight, np.float64) for weight in weights)
    outputs, last_h, last_c = np.zeros((*x.shape[:2], h.shape[1])), h.copy(), c.copy()
    dx, first_dh, first_dc = np.zeros_like(x), dh.copy(), dc.copy()
    d_weights = [np.zeros_like(weight) for weight in weights]
    for row in range(len(x)):
        read = np.flatnonzero(mask[row])[:: -1 if go_backwards else 1]
        outputs[row, read], last_h[row], last_c[row], tape = forward(x[row, read], weights, h[row], c[row])
        dx[row, read], first_dh[row], first_dc[row], parts = backward(
            tape, weights, d_outputs[row, read], dh[row], dc[row]
        )
        d_weights = [total + part for total, part in zip(d_weights, parts, strict=True)]
    return (outputs, last_h, last_c), (dx, first_dh, first_dc, *d_weights)
