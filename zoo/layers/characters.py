"""From texts to the symbols that a transcriber tells apart, and how likely a row of symbols is as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras
import tensorflow as tf

from zoo.layers.ngrams import NGrams
from zoo.layers.subwords import PADDING_MARK, UNKNOWN_MARK, Subwords
from zoo.types import Spec, UsageError

MARKS = (PADDING_MARK, UNKNOWN_MARK)  # that subwords begin with, and symbols do not have


@keras.saving.register_keras_serializable(package="zoo")
class Characters(keras.layers.Layer):
    """Texts as the ids of their characters, of their words where those are the symbols, as in LaTeX, or of subwords.

    `layer(values: string[batch])` gives `(ids: int32[batch, symbol], length: int32[batch])`, right-padded with -1.
    White space counts as one space, at the ends as none. Symbols that train texts lack are left out: nothing can be
    learnt of them, and they count as errors where the raw texts are compared.

    Args:
      tokens: What a symbol is; subwords are those of `zoo.layers.Subwords`, with the space before a word as its sign.
      size: Of subwords, how many, as `zoo.layers.Subwords` counts them, two marks included that are no symbols.
      ngram: Length of the n-grams of the language model learnt beside the symbols, which `language_model` then is; 0
        for none.
    """

    def __init__(
        self,
        *,
        tokens: Literal["characters", "words", "subwords"] = "characters",
        size: int = 0,
        ngram: int = 0,
        **kwargs: object,
    ):
        super().__init__(**{"dtype": "int32", **kwargs})
        self.tokens, self.size, self.ngram = tokens, size, ngram
        self._subwords = Subwords(size=size, lower=False) if tokens == "subwords" else None
        self.symbols: tuple[str, ...] = ()
        self.language_model: NGrams | None = None
        self.built = True  # it has no weights; an export refuses to track what is not built

    def adapt(self, texts: Sequence[bytes | str]) -> None:
        """Learns the symbols, in the order of their code points, and the language model.

        Args:
          texts: Of the train split, UTF-8 where bytes.

        Raises:
          UsageError: There is no symbol in them.
        """
        texts = tf.constant(list(texts), tf.string)
        if self._subwords is None:
            split = self._split(texts).to_list()
            symbols = sorted({symbol.decode() for row in split for symbol in row})
        else:
            self._subwords.adapt(texts.numpy())
            symbols = list(self._subwords.pieces[len(MARKS) :])
        if not symbols:
            raise UsageError(
                f"`Characters` learns from texts, and {len(texts)} came without any symbol. Give it texts."
            )
        self.set_state({"symbols": symbols, "ngrams": None})
        if self.ngram:
            ids, length = self.call(texts)
            rows = [row[:count].tolist() for row, count in zip(ids.numpy(), length.numpy(), strict=True)]
            self.language_model = NGrams.learnt(rows, len(symbols), self.ngram)

    def get_state(self) -> dict[str, object]:
        """What `adapt` learnt, as plain values for JSON."""
        return {
            "symbols": list(self.symbols),
            "ngrams": None if self.language_model is None else self.language_model.state,
        }

    def set_state(self, state: dict[str, object]) -> None:
        """Puts back what `get_state` gave."""
        self.symbols = tuple(state["symbols"])
        self.language_model = None if state["ngrams"] is None else NGrams(state["ngrams"])
        if self._subwords is not None:
            self._subwords.set_state({"pieces": [*MARKS, *self.symbols]})
        with tf.init_scope():
            content = tf.lookup.KeyValueTensorInitializer(
                [*self.symbols], [*range(len(self.symbols))], tf.string, tf.int32
            )
            self._table = tf.lookup.StaticHashTable(content, default_value=-1)

    def _split(self, values: tf.Tensor) -> tf.RaggedTensor:
        """string[batch, (symbol)]."""
        values = tf.strings.unicode_transcode(values, "UTF-8", "UTF-8")
        values = tf.strings.strip(tf.strings.regex_replace(values, r"\s+", " "))
        return tf.strings.split(values) if self.tokens == "words" else tf.strings.unicode_split(values, "UTF-8")

    def call(self, values: tf.Tensor, length: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids int32[batch, symbol] and their lengths int32[batch]; see the class.

        Args:
          values: string[batch], UTF-8.
          length: Not looked at.

        Raises:
          UsageError: Nothing was learnt yet.
        """
        if not self.symbols:
            raise UsageError("`Characters` has no symbols yet; call `adapt` with train texts or `set_state` first.")
        if self._subwords is None:
            split = self._split(values)
            ids = split.with_flat_values(self._table.lookup(split.flat_values))
        else:
            padded, length = self._subwords(values)
            ids = tf.RaggedTensor.from_tensor(padded, lengths=length) - len(MARKS)
        ids = tf.ragged.boolean_mask(ids, ids >= 0)
        return ids.to_tensor(-1), tf.cast(ids.row_lengths(), tf.int32)

    def features(self, input: Spec) -> Spec:
        """What this layer makes of `input`: ids whose classes are the symbols, in units of what a symbol is.

        Raises:
          UsageError: `input` is not one text.
        """
        if input.kind != "text" or input.shape != () or input.dtype != "string":
            raise UsageError(f"`Characters` takes a text, string[], got {input}. Take another layer.")
        return Spec(
            name="text",
            kind="text",
            shape=(None,),
            dtype="int32",
            axes=("symbol",),
            unit=self.tokens,
            classes=self.symbols,
        )

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        return {**super().get_config(), "tokens": self.tokens, "size": self.size, "ngram": self.ngram}
