"""A text's words, read in both directions, then one answer for the whole of it."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from zoo.architectures.recurrent import inputs_of
from zoo.layers.lstm import LSTM
from zoo.layers.pooling import AttentionPooling, MaxPooling
from zoo.types import Spec, UsageError


@keras.saving.register_keras_serializable(package="zoo")
class WordEmbedding(keras.layers.Layer):
    """A vector for each word: that of its index, plus the mean of those of its pieces, without a word table.

    `layer(words: int32[batch, word, 1 + piece])` gives float32[batch, word, units]; words are as `zoo.layers.Words`
    gives them, index 0 has the vector zero.

    Args:
      vocabulary: Known words; the indices 0 and 1 come on top.
      buckets: Different pieces; index 0 comes on top.
      units: Size of a vector.

    Source:
      Bojanowski et al. 2017, Enriching Word Vectors with Subword Information, section 3.2.
    """

    def __init__(self, vocabulary: int, buckets: int, units: int, **kwargs: object):
        super().__init__(**kwargs)
        self.vocabulary, self.buckets, self.units = vocabulary, buckets, units

    def build(self, words_shape: tuple[int | None, ...]) -> None:
        """Makes the tables."""
        initial = keras.initializers.RandomNormal(stddev=0.1)
        self.words = self.add_weight(shape=(self.vocabulary + 2, self.units), initializer=initial, name="words")
        self.pieces = None
        if words_shape[-1] > 1:
            self.pieces = self.add_weight(shape=(self.buckets + 1, self.units), initializer=initial, name="pieces")

    def call(self, words: keras.KerasTensor) -> keras.KerasTensor:
        """See the class."""
        word, pieces = words[:, :, 0], words[:, :, 1:]
        vectors = _looked_up(self.words, word)
        if self.pieces is None:
            return vectors
        count = ops.cast(ops.count_nonzero(pieces, axis=-1), vectors.dtype)
        return vectors + ops.sum(_looked_up(self.pieces, pieces), axis=2) / ops.maximum(count, 1)[:, :, None]

    def compute_output_spec(self, words: keras.KerasTensor) -> keras.KerasTensor:
        """Shape and type of the vectors."""
        return keras.KerasTensor((*words.shape[:2], self.units), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        sizes = {"vocabulary": self.vocabulary, "buckets": self.buckets, "units": self.units}
        return {**super().get_config(), **sizes}


def _looked_up(table: keras.Variable, index: keras.KerasTensor) -> keras.KerasTensor:
    vectors = ops.take(table, index, axis=0)
    return vectors * ops.cast(index > 0, vectors.dtype)[..., None]


def text_classifier(
    features: Spec,
    target: Spec,
    *,
    buckets: int,
    embedding: int = 100,
    units: int = 128,
    layers: int = 1,
    members: int = 1,
    embedding_dropout: float = 0.4,
    dropout: float = 0.5,
) -> keras.Model:
    """Word embedding, bidirectional LSTM layers, max and attention pooling side by side, one logit per class.

    Takes `[features: int32[batch, word, 1 + piece], length: int32[batch]]` and returns logits
    float32[batch, member, class]. Members share nothing; each learns all of the task, and their scores are averaged.

    Args:
      features: Words as `zoo.layers.Words` gives them; its classes are the vocabulary.
      target: Its classes are what is told apart.
      buckets: Different pieces of words, as of `zoo.layers.Words`.
      embedding: Size of a word's vector.
      units: Of each LSTM, in each direction.
      layers: Number of bidirectional layers.
      members: Networks side by side; the time to train is in proportion.
      embedding_dropout: Share of the features dropped before each LSTM layer, the same ones at every word.
      dropout: Share of the pooled features dropped.

    Raises:
      UsageError: Fewer than two classes.

    Source:
      Schuster and Paliwal 1997 (both directions); Gal and Ghahramani 2016, A Theoretically Grounded Application of
      Dropout in Recurrent Neural Networks (one mask for all steps, here on the inputs only, so that cuDNN can run it);
      Collobert et al. 2011 (max pooling); Lin et al. 2017 (attention pooling); Lakshminarayanan et al. 2017, Simple and
      Scalable Predictive Uncertainty Estimation using Deep Ensembles (members).
    """
    if len(target.classes) < 2:
        raise UsageError(
            f"a classifier needs at least two classes, got {list(target.classes)}. Add examples of another."
        )
    inputs, mask = inputs_of(features)
    logits = []
    for member in range(1, members + 1):
        steps = WordEmbedding(len(features.classes), buckets, embedding, name=f"embedding_{member}")(inputs[0])
        for number in range(1, layers + 1):
            steps = keras.layers.SpatialDropout1D(embedding_dropout)(steps)
            cell = LSTM(units, return_sequences=True)
            steps = keras.layers.Bidirectional(cell, name=f"lstm_{member}_{number}")(steps, mask=mask)
        largest = MaxPooling(name=f"largest_{member}")(steps, mask=mask)
        weighted = AttentionPooling(units, name=f"pooling_{member}")(steps, mask=mask)
        pooled = keras.layers.Dropout(dropout)(keras.layers.Concatenate()([largest, weighted]))
        logits.append(keras.layers.Dense(len(target.classes), name=f"logits_{member}", dtype="float32")(pooled))
    return keras.Model(inputs, ops.stack(logits, axis=1), name="text_classifier")


def pooled_words(network: keras.Model, words: tf.Tensor, length: tf.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """What a `text_classifier` took from each word, on the average over its members.

    Args:
      network: As `text_classifier` makes it.
      words: int32[batch, word, 1 + piece].
      length: int32[batch].

    Returns:
      attention: float32[batch, word], the weights of the attention pooling.
      largest: float32[batch, word], the share of the features whose largest value is at this word.
      Both are zero past the length and sum to 1 otherwise.
    """
    mask = network.get_layer("mask")(words, length)
    poolings = [network.get_layer(f"pooling_{member}") for member in range(1, network.output.shape[1] + 1)]
    reader = keras.Model(network.inputs, [keras.tree.flatten(pooling.input)[0] for pooling in poolings])
    attention, largest = 0.0, 0.0
    for pooling, steps in zip(poolings, keras.tree.flatten(reader([words, length], training=False)), strict=True):
        attention += pooling.attention(steps, mask)[:, :, 0] / len(poolings)
        winners = ops.argmax(ops.where(mask[:, :, None], steps, -1e4), axis=1)
        largest += ops.mean(ops.one_hot(winners, words.shape[1]), axis=1) / len(poolings)
    return ops.convert_to_numpy(attention), ops.convert_to_numpy(largest)
