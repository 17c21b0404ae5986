"""A one-way transcriber that answers while it listens: sound comes in chunks, and a state goes from one to the next."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from zoo.chain import Chain
from zoo.layers.convolution import ConvolutionFront
from zoo.layers.lstm import LSTM
from zoo.tasks import ctc
from zoo.tasks.transcription import joined


def obstacle(chain: Chain) -> str:
    """Why a model cannot answer while it listens, and the setting that lets it; "" where it can."""
    layers = [layer.name for layer in chain.network.layers]
    if chain.task.name != "transcription" or chain.input.kind != "audio" or "front" not in layers:
        return "it is no transcriber of speech with convolutions in front. Take `speech_transcriber`"
    both = [layer.name for layer in chain.network.layers if isinstance(layer, keras.layers.Bidirectional)]
    if both:
        return f"{', '.join(both)} read from both ends, so that an answer needs the end. Train it with `one_way=True`"
    if chain.frontend.normalise != "train" or chain.frontend.stack != 1:
        return "its features are normalised by the whole clip. Give LogMel `normalise='train'` and no `stack`"
    return ""


def chunks(samples: int, about: Mapping[str, int]) -> int:
    """How many chunks answer to a whole sound as the model does that hears all of it at once.

    Args:
      samples: Of the sound; those of the last chunk that are missing are zeros, those too many are left out.
      about: As `Stream.description` gives it.
    """
    steps = 1 + max(0, -(-(samples - about["frame"]) // about["hop"]))
    return -(-steps // about["stride"]) + -(-about["frame"] // about["chunk"]) - 1


def filled_up(samples: np.ndarray, about: Mapping[str, int]) -> np.ndarray:
    """A whole sound float32[sample] as `chunks` of them."""
    size = chunks(len(samples), about) * about["chunk"]
    return np.pad(samples[:size], (0, max(0, size - len(samples))))


class Stream:
    """The composed function from a chunk of samples and a state to what was said in it and the next state.

    A chunk is `chunk` samples or a multiple of that. The first ones may be short of a frame of the network's and give
    nothing yet; `chunks` says how many it takes to the end of a sound.

    The state, float32[batch, size], holds for each row: the number of chunks so far; the mean probability so far; the
    class of the last frame, from 1; the samples of the unfinished frame; the steps that each convolution has to
    remember; h and c of each LSTM. A new row begins with zeros.

    Args:
      chain: A one-way transcriber, one without `obstacle`.

    Attributes:
      chunk: Samples that make one frame of the network.
      size: Of the state.
    """

    def __init__(self, chain: Chain):
        self.mel, self.target = chain.frontend, chain.target
        by_name = {layer.name: layer for layer in chain.network.layers}
        self.front: ConvolutionFront = by_name["front"]
        self.logits: keras.layers.Dense = by_name["logits"]
        numbers = range(1, 1 + sum(name.startswith("lstm_") for name in by_name))
        self.recurrent = [(by_name[f"lstm_{number}"], by_name[f"normalise_{number}"]) for number in numbers]
        self.stride = math.prod(self.front.strides)
        self.chunk = self.mel.hop * self.stride
        self.delay = -(-self.mel.frame // self.chunk) - 1  # chunks that give no frame yet
        self.carried = self.chunk * (self.delay + 1) - self.mel.hop
        self.shapes: list[tuple[int, ...]] = [(1,), (1,), (1,), (self.carried,)]
        self.shapes += self.front.past_shapes(self.mel.mel)
        self.shapes += [(layer.units,) for layer, _ in self.recurrent for _ in "hc"]
        self.size = sum(math.prod(shape) for shape in self.shapes)

    @property
    def signature(self) -> list[tf.TensorSpec]:
        """`samples: float32[batch, sample]`, `state: float32[batch, size]`."""
        return [
            tf.TensorSpec([None, None], tf.float32, "samples"),
            tf.TensorSpec([None, self.size], tf.float32, "state"),
        ]

    def description(self) -> dict[str, int]:
        """What a client has to know: sizes of the state and of a chunk; for the end of a sound frame, hop, stride."""
        sizes = {"frame": self.mel.frame, "hop": self.mel.hop, "stride": self.stride}
        return {"state": self.size, "chunk": self.chunk, **sizes}

    def __call__(self, samples: tf.Tensor, state: tf.Tensor) -> dict[str, tf.Tensor]:
        """Answers to the next samples.

        Args:
          samples: float32[batch, sample] in [-1, 1], a multiple of `chunk`.
          state: float32[batch, size], zeros or what the call before gave.

        Returns:
          `text: string[batch]`, what this adds to the text; `score: float32[batch]`, the mean probability of the
          classes of all frames so far; `state`.

        Raises:
          tf.errors.InvalidArgumentError: No multiple of `chunk`.
        """
        given = tf.shape(samples)[1]
        message = ["the samples must be a multiple of", self.chunk, "and at least that, got", given]
        whole = (given >= self.chunk) & tf.equal(given % self.chunk, 0)
        with tf.control_dependencies([tf.debugging.Assert(whole, message)]):
            chunks = given // self.chunk
        (count, mean, last, carried), past, memory = self._unpacked(state)
        before = tf.cast(tf.round(count[:, 0]), tf.int32) - self.delay  # frames so far
        sound = tf.concat([carried, samples], 1)
        steps = self._steps(sound, chunks)
        frames, first, past = self.front.stream(steps, self.stride * (before - 1) + 1, past)
        there = first[:, None] + tf.range(chunks) >= 0
        kept = []
        for number, (layer, normalise) in enumerate(self.recurrent):
            frames, h, c = _continued(layer, frames, memory[2 * number : 2 * number + 2], there)
            frames = normalise(frames)
            kept += [h, c]
        logits = self.logits(frames)
        text, last = self._text(logits, there, tf.cast(tf.round(last[:, 0]), tf.int32))
        sure = tf.reduce_sum(tf.where(there, tf.reduce_max(tf.nn.softmax(logits), -1), 0.0), 1)
        earlier, now = (tf.cast(tf.maximum(value, 0), tf.float32) for value in (before, before + chunks))
        mean = tf.math.divide_no_nan(mean[:, 0] * earlier + sure, now)
        carried = sound[:, tf.shape(sound)[1] - self.carried :]
        plain = [count[:, 0] + tf.cast(chunks, tf.float32), mean, tf.cast(last, tf.float32)]
        parts = [*(value[:, None] for value in plain), carried, *past, *kept]
        rows = [tf.reshape(part, [tf.shape(state)[0], -1]) for part in parts]
        return {"text": text, "score": mean, "state": tf.ensure_shape(tf.concat(rows, 1), [None, self.size])}

    def _unpacked(self, state: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor], list[tf.Tensor]]:
        flat = tf.split(state, [math.prod(shape) for shape in self.shapes], 1)
        parts = [tf.reshape(part, (-1, *shape)) for part, shape in zip(flat, self.shapes, strict=True)]
        convolutions = len(self.front.strides)
        return parts[:4], parts[4 : 4 + convolutions], parts[4 + convolutions :]

    def _steps(self, sound: tf.Tensor, chunks: tf.Tensor) -> tf.Tensor:
        """float32[batch, step, band] of the samples carried and new, `stride` steps a chunk."""
        count = chunks * self.stride
        whole = sound[:, : (count - 1) * self.mel.hop + self.mel.frame]
        return tf.ensure_shape(self.mel.standardised(self.mel.bands(whole)), [None, None, self.mel.mel])

    def _text(self, logits: tf.Tensor, there: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """string[batch] of the frames that are there, and int32[batch], the class of the last one, from 1."""
        classes = tf.where(there, tf.argmax(logits, -1, tf.int32), -1)
        ids = ctc.changes(classes, there, last - 1, logits.shape[-1] - 1)
        return joined(ids, self.target), tf.where(classes[:, -1] >= 0, classes[:, -1] + 1, last)


def _continued(
    layer: LSTM, frames: tf.Tensor, state: list[tf.Tensor], mask: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Outputs at every frame and the last h and c of a layer that was built to give the outputs alone."""
    layer.return_state = True
    try:
        return layer.call(frames, state, mask)
    finally:
        layer.return_state = False
