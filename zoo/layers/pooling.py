"""From a sequence of any length to one vector, without seeing the padding."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class StepMask(keras.layers.Layer):
    """bool[batch, step], true within each row's length, and always at the first step (cuDNN takes no empty rows).

    `layer(values: [batch, step, ...], length: int32[batch])`.
    """

    def call(self, values: keras.KerasTensor, length: keras.KerasTensor) -> keras.KerasTensor:
        """The mask of `values`; see the class."""
        return ops.arange(ops.shape(values)[1])[None, :] < ops.maximum(ops.cast(length, "int32"), 1)[:, None]

    def compute_output_spec(self, values: keras.KerasTensor, length: keras.KerasTensor) -> keras.KerasTensor:
        """Shape and type of the mask."""
        return keras.KerasTensor(values.shape[:2], dtype="bool")


@keras.saving.register_keras_serializable(package="zoo")
class StepStack(keras.layers.Layer):
    """Several steps joined into one, the last one filled up with zeros.

    `layer(values: float32[batch, step, feature], length: int32[batch])` gives `(float32[batch, frame, count * feature],
    length: int32[batch])`.

    Args:
      count: Steps that become one.
    """

    def __init__(self, count: int, **kwargs: object):
        super().__init__(**kwargs)
        self.count = count

    def call(self, values: keras.KerasTensor, length: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Frames and their lengths; see the class."""
        steps, features = ops.shape(values)[1], values.shape[2]
        padded = ops.pad(values, ((0, 0), (0, self.count - 1), (0, 0)))
        frames = (steps + self.count - 1) // self.count
        padded = padded[:, : frames * self.count]
        stacked = ops.reshape(padded, (ops.shape(values)[0], frames, self.count * features))
        return stacked, (ops.cast(length, "int32") + self.count - 1) // self.count

    def compute_output_spec(
        self, values: keras.KerasTensor, length: keras.KerasTensor
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Shapes and types of the frames and their lengths."""
        frames = keras.KerasTensor((values.shape[0], None, self.count * values.shape[2]), dtype=self.compute_dtype)
        return frames, keras.KerasTensor((length.shape[0],), dtype="int32")

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        return {**super().get_config(), "count": self.count}


@keras.saving.register_keras_serializable(package="zoo")
class AttentionPooling(keras.layers.Layer):
    """Mean of the steps weighted by additive attention; each head weighs its own share of the features.

    `layer(values: float32[batch, step, feature], mask: bool[batch, step])` gives float32[batch, feature]; `weights`
    past the mask are exactly zero.

    Args:
      units: Width of the scoring layer.
      heads: Divides the number of features.

    Source:
      Bahdanau, Cho and Bengio 2015 for additive scores; Lin et al. 2017, A Structured Self-attentive Sentence
      Embedding, for pooling with them.
    """

    def __init__(self, units: int = 64, heads: int = 1, **kwargs: object):
        super().__init__(**kwargs)
        self.units, self.heads = units, heads
        self.hidden = keras.layers.Dense(units, activation="tanh", name="hidden", dtype=self.dtype_policy)
        self.score = keras.layers.Dense(heads, use_bias=False, name="score", dtype=self.dtype_policy)
        self.supports_masking = True

    def build(self, values_shape: tuple[int | None, ...]) -> None:
        """Makes the scoring layers.

        Raises:
          ValueError: `heads` does not divide the number of features.
        """
        if values_shape[-1] % self.heads:
            raise ValueError(f"`heads` must divide the {values_shape[-1]} features, got {self.heads}.")
        self.hidden.build(values_shape)
        self.score.build((*values_shape[:-1], self.units))

    def attention(self, values: keras.KerasTensor, mask: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """float32[batch, step, heads]: the weights, which sum to 1 over the steps of each row and head."""
        return _softmax_over_steps(ops.cast(self.score(self.hidden(values)), "float32"), mask)

    def call(self, values: keras.KerasTensor, mask: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """float32[batch, feature]; see the class."""
        weights = ops.cast(self.attention(values, mask), values.dtype)
        batch, steps, features = ops.shape(values)
        shares = ops.reshape(values, (batch, steps, self.heads, features // self.heads))
        return ops.reshape(ops.einsum("bth,bthf->bhf", weights, shares), (batch, features))

    def compute_output_spec(
        self, values: keras.KerasTensor, mask: keras.KerasTensor | None = None
    ) -> keras.KerasTensor:
        """Shape and type of the pooled vector."""
        return keras.KerasTensor((values.shape[0], values.shape[2]), dtype=self.compute_dtype)

    def compute_mask(self, values: keras.KerasTensor, mask: keras.KerasTensor | None = None) -> None:
        """None: one vector is left, and losses must not see a mask of steps."""

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        return {**super().get_config(), "units": self.units, "heads": self.heads}


@keras.saving.register_keras_serializable(package="zoo")
class MiddleAttention(keras.layers.Layer):
    """Means of the steps weighted by how well they answer to the middle one, a mean for each head.

    `layer(values: float32[batch, step, feature], mask: bool[batch, step])` gives float32[batch, heads * feature]. The
    middle step is that of the row's own length; `attention` past the mask is exactly zero.

    Args:
      heads: Queries made of the middle step.

    Source:
      De Andrade et al. 2018, A neural attention model for speech command recognition, section 3; with several heads
      Rybakov et al. 2020, Streaming keyword spotting on mobile devices, `att_mh_rnn`. Scores are divided by the root of
      the number of features as in Vaswani et al. 2017, section 3.2.1.
    """

    def __init__(self, heads: int = 4, **kwargs: object):
        super().__init__(**kwargs)
        self.heads = heads
        self.supports_masking = True

    def build(self, values_shape: tuple[int | None, ...]) -> None:
        """Makes the layer of queries."""
        self.query = keras.layers.Dense(self.heads * values_shape[-1], name="query", dtype=self.dtype_policy)
        self.query.build((None, values_shape[-1]))

    def attention(self, values: keras.KerasTensor, mask: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """float32[batch, step, heads]: the weights, which sum to 1 over the steps of each row and head."""
        batch, steps, features = ops.shape(values)
        length = ops.full((batch,), steps, dtype="int32") if mask is None else ops.sum(ops.cast(mask, "int32"), axis=1)
        middle = ops.cast(ops.arange(steps)[None] == (length // 2)[:, None], values.dtype)
        query = self.query(ops.einsum("bt,btf->bf", middle, values))
        query = ops.reshape(query, (batch, self.heads, features))
        scores = ops.einsum("bhf,btf->bth", query, values) / ops.sqrt(ops.cast(features, values.dtype))
        return _softmax_over_steps(ops.cast(scores, "float32"), mask)

    def call(self, values: keras.KerasTensor, mask: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """float32[batch, heads * feature]; see the class."""
        weights = ops.cast(self.attention(values, mask), values.dtype)
        batch, _, features = ops.shape(values)
        return ops.reshape(ops.einsum("bth,btf->bhf", weights, values), (batch, self.heads * features))

    def compute_output_spec(
        self, values: keras.KerasTensor, mask: keras.KerasTensor | None = None
    ) -> keras.KerasTensor:
        """Shape and type of the pooled vector."""
        return keras.KerasTensor((values.shape[0], self.heads * values.shape[2]), dtype=self.compute_dtype)

    def compute_mask(self, values: keras.KerasTensor, mask: keras.KerasTensor | None = None) -> None:
        """None, as of `AttentionPooling`."""

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        return {**super().get_config(), "heads": self.heads}


def _softmax_over_steps(scores: keras.KerasTensor, mask: keras.KerasTensor | None) -> keras.KerasTensor:
    if mask is not None:
        scores = ops.where(mask[:, :, None], scores, -1e30)
    weights = ops.exp(scores - ops.max(scores, axis=1, keepdims=True))  # Keras's softmax warns of single steps
    return weights / ops.sum(weights, axis=1, keepdims=True)


@keras.saving.register_keras_serializable(package="zoo")
class MaxPooling(keras.layers.Layer):
    """The largest value of each feature over the steps within the mask.

    `layer(values: float32[batch, step, feature], mask: bool[batch, step])` gives float32[batch, feature].

    Source:
      Collobert et al. 2011, Natural Language Processing (Almost) from Scratch, section 3.2.2.
    """

    def __init__(self, **kwargs: object):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, values: keras.KerasTensor, mask: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """See the class."""
        if mask is not None:
            values = ops.where(mask[:, :, None], values, ops.cast(-1e4, values.dtype))
        return ops.max(values, axis=1)

    def compute_output_spec(
        self, values: keras.KerasTensor, mask: keras.KerasTensor | None = None
    ) -> keras.KerasTensor:
        """Shape and type of the pooled vector."""
        return keras.KerasTensor((values.shape[0], values.shape[2]), dtype=self.compute_dtype)

    def compute_mask(self, values: keras.KerasTensor, mask: keras.KerasTensor | None = None) -> None:
        """None, as of `AttentionPooling`."""
