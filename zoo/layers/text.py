"""From text to numbers, by TensorFlow's operations, so that an export takes text as people write it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import keras
import tensorflow as tf

from zoo.types import Spec

QUOTES = "``|''|[\u201c\u201d\u201e\u00ab\u00bb]"
APOSTROPHES = "[\u2019\u02bc`\u00b4]"
NEGATION = r"n't\b"  # "don't" becomes "do n't", as in the Penn Treebank and what is tokenised like it
WORD = r"(n't\b|'(?:s|re|ve|ll|d|m)\b|[\p{L}\p{M}]+|\p{N}+|[^\s\p{L}\p{M}\p{N}])"
UNKNOWN = 1  # index of a word outside the vocabulary; 0 is padding
ADAPT_BATCH = 1024  # texts


def words_of(texts: tf.Tensor) -> tf.RaggedTensor:
    """Words, numbers and single other characters of string[batch], in lower case: string[batch, (word)].

    Bytes that are no UTF-8 become U+FFFD, a word of its own.

    Source:
      English contractions are split as by the Penn Treebank tokeniser (MacIntyre 1995), so that raw text and data sets
      tokenised that way give the same words.
    """
    text = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    text = tf.strings.lower(text, encoding="utf-8")
    text = tf.strings.regex_replace(tf.strings.regex_replace(text, QUOTES, ' " '), APOSTROPHES, "'")
    text = tf.strings.regex_replace(text, NEGATION, " n't ")
    return tf.strings.split(tf.strings.regex_replace(text, WORD, r" \1 "))


@keras.saving.register_keras_serializable(package="zoo")
class Words(keras.layers.Layer):
    """Text to words, each as an index into the vocabulary, followed by hashed character n-grams of it.

    `layer(texts: string[batch], length)` gives `(int32[batch, word, 1 + most], int32[batch])`, right-padded with 0, and
    how many words each text has; `length` is not read. Column 0 is the word: 1 where it is unknown, from 2 on those of
    the vocabulary. The others are its n-grams, between marks of begin and end, hashed into `buckets`, from 1 on.

    Args:
      least: A word is known if it occurs so often in the train texts.
      largest: Most words in the vocabulary, the most frequent ones.
      ngrams: Lengths of the n-grams in characters; none for words alone.
      buckets: Different n-grams.
      most: N-grams of a word that are kept; the longest are cut first.
      last: Words of a text that are kept, from its end, where reviews come to the point; None for all.

    Source:
      Bojanowski et al. 2017, Enriching Word Vectors with Subword Information, for hashed character n-grams.
    """

    def __init__(
        self,
        *,
        least: int = 2,
        largest: int = 20_000,
        ngrams: Sequence[int] = (3, 4, 5),
        buckets: int = 10_000,
        most: int = 24,
        last: int | None = None,
        **kwargs: object,
    ):
        super().__init__(**kwargs)
        self.least, self.largest, self.ngrams = least, largest, tuple(ngrams)
        self.buckets, self.most, self.last = buckets, most if ngrams else 0, last
        self.vocabulary: tuple[str, ...] = ()
        self.lookup: keras.layers.StringLookup | None = None

    def adapt(self, texts: Sequence[bytes]) -> None:
        """Learns the vocabulary from train texts: most frequent first, equally frequent ones in alphabetical order."""
        counts: Counter[bytes] = Counter()
        for at in range(0, len(texts), ADAPT_BATCH):
            counts.update(words_of(tf.constant(texts[at : at + ADAPT_BATCH])).flat_values.numpy().tolist())
        known = sorted((word for word, count in counts.items() if count >= self.least), key=lambda w: (-counts[w], w))
        self.set_state({"vocabulary": [word.decode() for word in known[: self.largest]]})

    def get_state(self) -> dict[str, object]:
        """What `adapt` learnt, as plain values for JSON."""
        return {"vocabulary": list(self.vocabulary)}

    def set_state(self, state: dict[str, object]) -> None:
        """Puts back what `get_state` gave."""
        self.vocabulary = tuple(state["vocabulary"])
        self.lookup = keras.layers.StringLookup(vocabulary=list(self.vocabulary), mask_token="", oov_token="[unknown]")

    def features(self, input: Spec) -> Spec:
        """What the layer gives; `classes` are the words of indices 2 and up."""
        shape = (None, 1 + self.most)
        axes = ("word", "piece")
        return Spec(name="words", kind="text", shape=shape, dtype="int32", axes=axes, classes=self.vocabulary)

    def words(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """string[batch, (word)]: the words that `layer(texts)` gives numbers of."""
        words = words_of(texts)
        return words if self.last is None else words[:, -self.last :]

    def call(self, texts: tf.Tensor, length: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """See the class."""
        words = self.words(texts)
        index = tf.cast(self.lookup(words.flat_values), tf.int32)[:, None]
        if self.most:
            index = tf.concat([index, self._hashed(words.flat_values)], axis=1)
        rows = words.with_flat_values(index)
        return rows.to_tensor(), tf.cast(words.row_lengths(), tf.int32)

    def _hashed(self, words: tf.Tensor) -> tf.Tensor:
        """int32[word, most]: buckets of each word's n-grams, from 1 on."""
        characters = tf.strings.unicode_split(tf.strings.join(["<", words, ">"]), "UTF-8")
        grams = tf.strings.ngrams(characters, self.ngrams, separator="")
        hashed = tf.strings.to_hash_bucket_fast(grams.flat_values, self.buckets)
        numbered = grams.with_flat_values(tf.cast(hashed, tf.int32) + 1)
        return numbered.to_tensor(shape=[None, self.most])

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        names = ("least", "largest", "ngrams", "buckets", "most", "last")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def drop_words(words: tf.Tensor, seed: tf.Tensor, share: float) -> tf.Tensor:
    """Makes words unknown at random, with all that is known of their letters.

    Args:
      words: int32[word, 1 + n] as `Words` gives them, of one example.
      seed: int32[2].
      share: Of the words.

    Source:
      Iyyer et al. 2015, Deep Unordered Composition Rivals Syntactic Methods for Text Classification, section 3.1.
    """
    dropped = tf.random.stateless_uniform(tf.shape(words)[:1], seed) < share
    unknown = tf.concat([[UNKNOWN], tf.zeros(tf.shape(words)[1:] - 1, tf.int32)], 0)
    return tf.where(dropped[:, None], unknown[None], words)
