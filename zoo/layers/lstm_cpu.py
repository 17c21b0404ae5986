"""The LSTM on a CPU: TensorFlow's fused cell, with a gradient of our own, any length without compiling again.

Forward is `BlockLSTMV2`, one kernel for all steps. The gradient that TensorFlow registers for it is wrong (it takes the
gates in another order), so the loop back through time is ours: `LSTMBlockCellGrad` and one matrix product a step; the
gradients of the weights are one large product after the loop. The batch is cut in two, and the two halves run beside
each other, which small matrix products make better use of than of several threads each.
"""

from __future__ import annotations

import functools

import tensorflow as tf

HALVES = 2  # more of them brought nothing on 2 cores; on more cores the matrix products use the rest


def lstm_cpu(
    x: tf.Tensor,
    length: tf.Tensor,
    h: tf.Tensor,
    c: tf.Tensor,
    kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
    *,
    padded: bool,
    backwards: bool,
    cells: bool,
    differentiable: bool,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Runs an LSTM over right-padded sequences.

    Args:
      x: float[batch, step, input], at least one step. Half types are computed in float32.
      length: int32[batch], 0 to step.
      h: float[batch, units], the output before the first step.
      c: float[batch, units], the cells before the first step.
      kernel: float[input, 4 * units], gates in the order i, f, g, o.
      recurrent_kernel: float[units, 4 * units].
      bias: float[4 * units].
      padded: Whether any length may be shorter than the steps.
      backwards: Read each sequence from its last step to its first.
      cells: Whether the last cells are wanted; c is given back as it came without, and costs no gradient.
      differentiable: Whether a gradient may be asked for; without, in float32, the one that comes is wrong.

    Returns:
      outputs: float[batch, step, units], each beside its input also when read backwards, zeros at padded steps.
      h: float[batch, units], the output after the last step read.
      c: float[batch, units], the cells after the last step read.
    """
    given = x.dtype
    if given.size < 4:
        x, h, c, kernel, recurrent_kernel, bias = (
            tf.cast(value, tf.float32) for value in (x, h, c, kernel, recurrent_kernel, bias)
        )
    if backwards:
        x = tf.reverse_sequence(x, length, seq_axis=1, batch_axis=0) if padded else tf.reverse(x, [1])
    scan = _loop if x.dtype == tf.float64 else functools.partial(_fused, differentiable=differentiable)
    steps = tf.transpose(x, [1, 0, 2])
    parts = [
        scan(*part, kernel, recurrent_kernel, bias, cells)
        for part in zip(_halves(steps, 1), _halves(h, 0), _halves(c, 0), strict=True)
    ]
    outputs, memory = (tf.concat(values, 1) for values in zip(*parts, strict=True))
    last = tf.stack([tf.maximum(length - 1, 0), tf.range(tf.shape(length)[0])], 1)
    started = (length > 0)[:, None]
    h = tf.where(started, tf.gather_nd(outputs, last) if padded else outputs[-1], h)
    if cells:
        c = tf.where(started, tf.gather_nd(memory, last) if padded else memory[-1], c)
    outputs = tf.transpose(outputs, [1, 0, 2])
    if padded:
        outputs *= tf.sequence_mask(length, tf.shape(outputs)[1], outputs.dtype)[:, :, None]
    if backwards:
        outputs = tf.reverse_sequence(outputs, length, seq_axis=1) if padded else tf.reverse(outputs, [1])
    return tf.cast(outputs, given), tf.cast(h, given), tf.cast(c, given)


def _halves(values: tf.Tensor, axis: int) -> list[tf.Tensor]:
    """The batch in two, the second part empty for a batch of one."""
    if values.shape[axis] == 1:
        return [values]
    size = tf.shape(values)[axis]
    return tf.split(values, [size - size // HALVES, size // HALVES], axis)


def _fused(
    x: tf.Tensor,
    h: tf.Tensor,
    c: tf.Tensor,
    kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
    cells: bool,
    differentiable: bool,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Outputs and cells float32[step, batch, units] of x: float32[step, batch, input]."""
    inputs, units = kernel.shape[0], recurrent_kernel.shape[0]

    def scan(x, h, c, kernel, recurrent_kernel, bias):
        given = {"x": x, "h_prev": h, "w": tf.concat([kernel, recurrent_kernel], 0), "b": bias, **_no_peepholes(units)}
        made = tf.raw_ops.BlockLSTMV2(seq_len_max=tf.shape(x, tf.int64)[0], cs_prev=c, cell_clip=0.0, **given)

        def gradient(output_gradient, cell_gradient):
            dz, dh, dc = _back(given, made, c, output_gradient, cell_gradient if cells else None)
            dx = tf.reshape(tf.matmul(dz, _swapped(kernel), transpose_b=True), tf.shape(x))
            read = tf.concat([x, tf.concat([h[None], made.h[:-1]], 0)], 2)
            dw = tf.matmul(tf.reshape(read, [-1, inputs + units]), dz, transpose_a=True)
            dw, db = _swapped(dw), _swapped(tf.reduce_sum(dz, 0))
            return dx, dh, dc, dw[:inputs], dw[inputs:], db

        return (made.h, made.cs), gradient

    arguments = x, h, c, kernel, recurrent_kernel, bias
    return tf.custom_gradient(scan)(*arguments) if differentiable else scan(*arguments)[0]


def _no_peepholes(units: int) -> dict[str, object]:
    return {"use_peephole": False, **dict.fromkeys(("wci", "wcf", "wco"), tf.zeros([units]))}


def _back(
    given: dict, made: tuple, c: tf.Tensor, output_gradient: tf.Tensor, cell_gradient: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Back through time: gradients of the gates before activation, [step * batch, 4 * units], and of the first h and c.

    The gates come in the order of `_swapped`.
    """
    before = tf.concat([c[None], made.cs[:-1]], 0)
    count, batch, units = tf.shape(before)[0], tf.shape(c)[0], c.shape[1]
    transposed = tf.transpose(_swapped(given["w"][-units:]))
    first = {**given, "x": tf.zeros_like(given["x"][0])}  # only its shape matters

    def back(t, dh, dc, gates):
        step = tf.raw_ops.LSTMBlockCellGrad(
            cs_prev=before[t], i=made.i[t], cs=made.cs[t], f=made.f[t], o=made.o[t], ci=made.ci[t], co=made.co[t],
            h_grad=dh + output_gradient[t], cs_grad=dc if cell_gradient is None else dc + cell_gradient[t], **first,
        )  # fmt: skip
        gates = tf.raw_ops.TensorListSetItem(input_handle=gates, index=t, item=step.dicfo)
        return t - 1, tf.matmul(step.dicfo, transposed), step.cs_prev_grad, gates

    element = {"element_shape": tf.stack([batch, 4 * units]), "element_dtype": tf.float32}
    gates = tf.raw_ops.TensorListReserve(num_elements=count, **element)
    start = count - 1, tf.zeros_like(c), tf.zeros_like(c), gates
    _, dh, dc, gates = tf.while_loop(lambda t, *_: t >= 0, back, start, maximum_iterations=count)
    dz = tf.raw_ops.TensorListStack(input_handle=gates, **element)
    return tf.reshape(dz, [-1, 4 * units]), dh, dc


def _swapped(weights: tf.Tensor) -> tf.Tensor:
    """Gates i, f, g, o in the order i, g, f, o, in which `LSTMBlockCellGrad` gives them; and back."""
    i, f, g, o = tf.split(weights, 4, -1)
    return tf.concat([i, g, f, o], -1)


def _loop(
    x: tf.Tensor,
    h: tf.Tensor,
    c: tf.Tensor,
    kernel: tf.Tensor,
    recurrent_kernel: tf.Tensor,
    bias: tf.Tensor,
    cells: bool,
) -> tuple[tf.Tensor, tf.Tensor]:
    """As `_fused`, for float64, which TensorFlow's fused cell does not take: the equations, a step at a time."""
    projected = tf.tensordot(x, kernel, 1) + bias

    def step(state, z):
        h, c = state
        i, f, g, o = tf.split(z + tf.matmul(h, recurrent_kernel), 4, -1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    return tf.scan(step, projected, (h, c))
