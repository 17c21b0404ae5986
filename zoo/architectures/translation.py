"""Sequence to sequence: an LSTM encoder, an LSTM decoder that attends to it, and beam search over its answers."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import keras
import tensorflow as tf

from zoo.architectures.beam import search
from zoo.layers.lstm import LSTM
from zoo.layers.subwords import PADDING
from zoo.types import Spec, UsageError

HIDDEN = -1e9  # score of what must not be attended to or written


def translator(
    features: Spec,
    target: Spec,
    *,
    units: int = 256,
    embedding: int = 256,
    layers: int = 1,
    dropout: float = 0.3,
    word_dropout: float = 0.0,
    beam: int = 5,
    length_penalty: float = 0.6,
    longest: int = 256,
) -> Translator:
    """A network from pieces of one language to pieces of another; see `Translator` for what it takes and gives.

    Args:
      features: Its classes are the pieces read.
      target: Its classes are the pieces written, padding, begin and end mark first.
      units: Memory cells of each LSTM, in each direction.
      embedding: Width of the vectors of pieces, read and written.
      layers: Of the encoder.
      dropout: On vectors of pieces (the same ones at every step of a sequence), between layers, and before the answer.
      word_dropout: Share of the pieces, read and given, that are hidden while training.
      beam: Hypotheses that are followed; 1 always takes the likeliest next piece.
      length_penalty: 0 favours short answers, 1 the mean over pieces; see `zoo.architectures.beam`.
      longest: Most pieces of an answer.

    Raises:
      UsageError: A spec has no pieces, or no hypothesis is to be followed.
    """
    if beam < 1:
        raise UsageError(f"`beam` must be at least 1, which takes the likeliest next piece, got {beam}.")
    for spec in (features, target):
        if len(spec.classes) < 4:
            raise UsageError(
                f"a translator needs the pieces of both languages, and {spec} has {len(spec.classes)}. "
                "Call `adapt` of the layer that cuts texts first."
            )
    made = Translator(
        read=len(features.classes),
        written=len(target.classes),
        units=units,
        embedding=embedding,
        layers=layers,
        dropout=dropout,
        word_dropout=word_dropout,
        beam=beam,
        length_penalty=length_penalty,
        longest=longest,
        name="translator",
    )
    made.build()
    return made


@keras.saving.register_keras_serializable(package="zoo")
class Translator(keras.Model):
    """Bidirectional LSTM encoder, two LSTM decoders with attention between them, tied vectors for reading and writing.

    The first decoder reads what was written so far, and attends to the encoder; the second reads the first and what it
    attended to, so that it knows which parts of the source were used. The attention is never fed back into the first:
    a whole answer is learnt in two calls of the fused kernels and one matrix product, instead of a step at a time.

    `network([ids: int32[batch, step], length: int32[batch], given: int32[batch, target step]])` gives logits
    float32[batch, target step - 1, piece], where those at t are of the piece `given[t + 1]` after `given[..t]`. `given`
    has the begin mark first and the end mark last; negative ids are padding.

    `network([ids, length])` searches for the best answer and gives a dict: `pieces: int32[batch, step]` without marks,
    padded with 0, `length: int32[batch]`, and `score: float32[batch]`, the log-probability over the length penalty. An
    answer has at most `2 * length + 10` pieces, and at most `longest`.

    Args:
      read: Number of pieces of the source.
      written: Number of pieces of the target.
      units: As of `translator`, and so are the others.
      embedding: Width of the vectors of pieces.
      layers: Of the encoder.
      dropout: On vectors, between layers and before the answer.
      word_dropout: Share of the pieces hidden while training.
      beam: Hypotheses that are followed.
      length_penalty: Of the search.
      longest: Most pieces of an answer.

    Source:
      Bahdanau, Cho and Bengio 2015 (attention to a bidirectional encoder); Luong, Pham and Manning 2015, section 3
      (global attention, general score); Wu et al. 2016 (attention from the lowest decoder layer feeds the upper ones);
      Press and Wolf 2017 (tied vectors); Gal and Ghahramani 2016 (dropout that stays through a sequence).
    """

    def __init__(
        self,
        *,
        read: int,
        written: int,
        units: int,
        embedding: int,
        layers: int,
        dropout: float,
        word_dropout: float,
        beam: int,
        length_penalty: float,
        longest: int,
        **kwargs: object,
    ):
        super().__init__(**kwargs)
        self.read, self.written, self.units, self.embedding, self.depth = read, written, units, embedding, layers
        self.dropout, self.word_dropout = dropout, word_dropout
        self.beam, self.length_penalty, self.longest = beam, length_penalty, longest
        normal = keras.initializers.RandomNormal(stddev=embedding**-0.5)  # written by a product with them, so small
        self.source_vectors = keras.layers.Embedding(read, embedding, normal, name="source_vectors")
        self.target_vectors = keras.layers.Embedding(written, embedding, normal, name="target_vectors")
        every = {"return_sequences": True, "return_state": True}
        self.encoders = [
            keras.layers.Bidirectional(LSTM(units, **every), name=f"encoder_{number + 1}") for number in range(layers)
        ]
        self.first_states = keras.layers.Dense(4 * units, activation="tanh", name="first_states")
        self.decoders = [LSTM(units, **every, name=f"decoder_{number + 1}") for number in range(2)]
        self.keys = keras.layers.Dense(units, use_bias=False, name="keys")
        self.readout = keras.layers.Dense(embedding, activation="tanh", name="readout")
        self.hide = keras.layers.Dropout(word_dropout, noise_shape=(None, None, 1), name="hide")
        self.steady_dropout = keras.layers.SpatialDropout1D(dropout, name="steady_dropout")
        self.readout_dropout = keras.layers.Dropout(dropout, name="readout_dropout")

    def build(self, input_shape: object = None) -> None:
        """Makes the weights, whose shapes depend on the settings alone."""
        for layer in (self.source_vectors, self.target_vectors):
            layer.build((None, None))
        for layer, width in zip(self.encoders, [self.embedding, *(2 * self.units,) * (self.depth - 1)], strict=True):
            layer.build((None, None, width))
        self.first_states.build((None, 2 * self.units))
        self.decoders[0].build((None, None, self.embedding))
        self.decoders[1].build((None, None, 3 * self.units))
        self.keys.build((None, None, 2 * self.units))
        self.readout.build((None, None, 3 * self.units))
        self.bias = self.add_weight(shape=(self.written,), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs: list[tf.Tensor], training: bool = False) -> tf.Tensor | dict[str, tf.Tensor]:
        """Logits where the answer is given, else the best answer; see the class."""
        source = self._encoded(inputs[0], inputs[1], training)
        if len(inputs) == 3:
            return self._decoded(inputs[2][:, :-1], source, source["states"], training)["logits"]
        return search(
            functools.partial(self._next, source),
            source["states"],
            tf.minimum(2 * inputs[1] + 10, self.longest),
            pieces=self.written,
            beam=self.beam,
            length_penalty=self.length_penalty,
        )

    def attention(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """float32[batch, target step - 1, source step]: where the network looks before each piece after the first.

        Args:
          inputs: As of the network, with the answer.
        """
        source = self._encoded(inputs[0], inputs[1], False)
        return self._decoded(inputs[2][:, :-1], source, source["states"], False)["weights"]

    def _encoded(self, ids: tf.Tensor, length: tf.Tensor, training: bool) -> dict:
        """What the decoders need of the source: memory, keys, visibility, and their first states."""
        mask = tf.sequence_mask(tf.maximum(length, 1), tf.shape(ids)[1])
        steps = self._vectors(self.source_vectors, ids, training)
        for encoder in self.encoders:
            steps, *states = encoder(steps, mask=mask, training=training)
            steps = self.steady_dropout(steps, training=training)
        first = self.first_states(tf.concat([states[0], states[2]], 1))
        return {
            "memory": steps,
            "keys": self.keys(steps),
            "hidden": tf.where(mask, 0.0, HIDDEN)[:, None],
            "states": tf.split(first, 4, 1),
        }

    def _vectors(self, table: keras.layers.Embedding, ids: tf.Tensor, training: bool) -> tf.Tensor:
        vectors = table(tf.maximum(ids, PADDING)) * self.embedding**0.5
        return self.steady_dropout(self.hide(vectors, training=training), training=training)

    def _decoded(self, ids: tf.Tensor, source: dict, states: Sequence[tf.Tensor], training: bool) -> dict:
        """Logits, attention and states after pieces int32[row, step]; several rows may share one of the source."""
        steps = self._vectors(self.target_vectors, ids, training)
        first, *after_first = self.decoders[0](steps, initial_state=states[:2], training=training)
        queries = tf.reshape(first, [tf.shape(source["keys"])[0], -1, self.units])
        scores = tf.matmul(queries, source["keys"], transpose_b=True) + source["hidden"]
        weights = tf.nn.softmax(scores)
        context = tf.reshape(tf.matmul(weights, source["memory"]), [*tf.unstack(tf.shape(ids)), 2 * self.units])
        steps = self.steady_dropout(tf.concat([first, context], 2), training=training)
        second, *after_second = self.decoders[1](steps, initial_state=states[2:], training=training)
        written = self.readout(self.steady_dropout(tf.concat([second, context], 2), training=training))
        written = self.readout_dropout(written, training=training)
        logits = tf.tensordot(written, self.target_vectors.embeddings, [[2], [1]]) + self.bias
        return {"logits": logits, "weights": weights, "states": [*after_first, *after_second]}

    def _next(
        self, source: dict, last: tf.Tensor, states: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, Sequence[tf.Tensor]]:
        made = self._decoded(last[:, None], source, states, False)
        return made["logits"][:, 0], made["states"]

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        names = (
            "read",
            "written",
            "units",
            "embedding",
            "dropout",
            "word_dropout",
            "beam",
            "length_penalty",
            "longest",
        )
        return {"name": self.name, "layers": self.depth, **{name: getattr(self, name) for name in names}}
