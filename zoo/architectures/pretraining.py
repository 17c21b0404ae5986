"""A text classifier's embedding and first LSTM layer as a language model, to learn from texts without labels."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from zoo.architectures.text import WordEmbedding


class WordPrediction(keras.layers.Layer):
    """How badly each word is foretold by what stands before it, and by what stands behind it.

    `layer([states: float32[batch, word, 2 * units], words: int32[batch, word, 1 + piece], length: int32[batch]])` gives
    float32[batch], in every row the mean cross-entropy in nats over all words of the batch, against sampled words only.

    Args:
      embedding: Its table of words is that of the output too (Press and Wolf 2017).
      sampled: Words drawn for each batch to compare with.

    Source:
      Jean et al. 2015, On Using Very Large Target Vocabulary for Neural Machine Translation (sampled softmax). Words
      are drawn by a log-uniform law, which fits a vocabulary in the order of frequency.
    """

    def __init__(self, embedding: WordEmbedding, sampled: int, **kwargs: object):
        super().__init__(**kwargs)
        self.embedding, self.sampled = embedding, sampled
        self.supports_masking = True

    def build(self, shapes: list[tuple[int | None, ...]]) -> None:
        """Makes a projection for each direction, and a bias for each word."""
        units = shapes[0][-1] // 2
        shape = (units, self.embedding.units)
        self.onward = self.add_weight(shape=shape, initializer="glorot_uniform", name="onward")
        self.back = self.add_weight(shape=shape, initializer="glorot_uniform", name="back")
        self.bias = self.add_weight(shape=(self.embedding.vocabulary + 2,), initializer="zeros", name="bias")

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """See the class."""
        states, words, length = inputs
        index, units = words[:, :, 0], states.shape[-1] // 2
        following = tf.sequence_mask(length - 1, tf.shape(index)[1] - 1)
        foretold = [
            tf.boolean_mask(states[:, :-1, :units], following) @ self.onward,
            tf.boolean_mask(states[:, 1:, units:], following) @ self.back,
        ]
        truth = [tf.boolean_mask(index[:, 1:], following), tf.boolean_mask(index[:, :-1], following)]
        losses = tf.nn.sampled_softmax_loss(
            weights=tf.convert_to_tensor(self.embedding.words),
            biases=tf.convert_to_tensor(self.bias),
            labels=tf.concat(truth, 0)[:, None],
            inputs=tf.concat(foretold, 0),
            num_sampled=min(self.sampled, self.embedding.vocabulary + 1),
            num_classes=self.embedding.vocabulary + 2,
        )
        return tf.fill(
            tf.shape(length), tf.math.divide_no_nan(tf.reduce_sum(losses), tf.cast(tf.size(losses), tf.float32))
        )

    def compute_mask(self, inputs: list[tf.Tensor], mask: object = None) -> None:
        """None: what is left has no steps."""

    def compute_output_spec(self, inputs: list[keras.KerasTensor]) -> keras.KerasTensor:
        """Shape and type of the losses."""
        return keras.KerasTensor(inputs[2].shape, dtype="float32")


def language_model(network: keras.Model, *, sampled: int = 2_000, dropout: float = 0.2) -> keras.Model:
    """A model of the words before and behind each word that shares its layers with a text classifier.

    Takes what the classifier takes and returns its own loss, float32[batch]; see `WordPrediction`.

    Args:
      network: As `zoo.architectures.text_classifier` makes it; its embedding and first LSTM layer learn.
      sampled: Words drawn for each batch to compare with.
      dropout: Share of the features dropped before and behind the LSTM layer.

    Source:
      Dai and Le 2015, Semi-supervised Sequence Learning, for a language model as the start of a classifier.
    """
    words, length = network.inputs
    mask = network.get_layer("mask")(words, length)
    losses = []
    for member in range(1, network.output.shape[1] + 1):
        embedding = network.get_layer(f"embedding_{member}")
        steps = keras.layers.SpatialDropout1D(dropout)(embedding(words))
        states = keras.layers.Dropout(dropout)(network.get_layer(f"lstm_{member}_1")(steps, mask=mask))
        losses.append(WordPrediction(embedding, sampled)([states, words, length]))
    model = keras.Model(network.inputs, ops.mean(ops.stack(losses), axis=0), name="language_model")
    model.averaged_over = lambda inputs, target: tf.reduce_sum(tf.maximum(inputs[1] - 1, 0))  # words, in each direction
    return model
