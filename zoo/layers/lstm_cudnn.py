"""The LSTM on a GPU: cuDNN's fused kernel."""

from __future__ import annotations

import tensorflow as tf


def lstm_cudnn(
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
    """Runs an LSTM over right-padded sequences; arguments and results are those of `lstm_cpu`.

    cuDNN takes no sequence without a step: such a row runs over one step, and gets zeros and its first state back.
    `differentiable` changes nothing: its gradient is the one that TensorFlow registers.
    """
    read = tf.maximum(length, 1)
    if backwards:
        x = tf.reverse_sequence(x, read, seq_axis=1, batch_axis=0)
    outputs, last_h, last_c, _, _ = tf.raw_ops.CudnnRNNV3(
        input=x,
        input_h=h[:, None],
        input_c=c[:, None],
        params=parameters(kernel, recurrent_kernel, bias),
        sequence_lengths=read,
        rnn_mode="lstm",
        time_major=False,
        is_training=True,  # keeps what the gradient needs
    )
    if backwards:
        outputs = tf.reverse_sequence(outputs, read, seq_axis=1, batch_axis=0)
    started = (length > 0)[:, None]
    last_h = tf.where(started, last_h[:, 0], h)
    last_c = tf.where(started, last_c[:, 0], c) if cells else c
    if padded:
        within = tf.sequence_mask(length, tf.shape(outputs)[1])[:, :, None]
        outputs = tf.where(within, outputs, tf.zeros([], outputs.dtype))
    return outputs, last_h, last_c


def parameters(kernel: tf.Tensor, recurrent_kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """The weights as cuDNN lays them out: float[4 * units * (input + units + 2)].

    The matrices of the gates i, f, g, o on the input, then on the output before, each with its units along the first
    axis; then two biases for each gate, of which the first is zero.

    Source:
      cuDNN developer guide, cudnnGetRNNWeightParams (linLayerID 0 to 3 input, 4 to 7 recurrent: i, f, g, o).
    """
    matrices = [tf.reshape(tf.transpose(gate), [-1]) for gate in tf.split(kernel, 4, 1)]
    matrices += [tf.reshape(tf.transpose(gate), [-1]) for gate in tf.split(recurrent_kernel, 4, 1)]
    return tf.concat([*matrices, tf.zeros_like(bias), bias], 0)
