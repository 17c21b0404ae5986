"""Texts as sequences of learnt word pieces, and pieces as texts again, in TensorFlow operations."""

from __future__ import annotations

import collections
import io
from collections.abc import Iterable, Sequence

import keras
import tensorflow as tf

from zoo.types import Spec, UsageError

PADDING, BEGIN, END = 0, 1, 2
UNKNOWN = 1  # where there are no begin and end marks
PADDING_MARK, UNKNOWN_MARK, BEGIN_MARK, END_MARK = "<padding>", "<unknown>", "<begin>", "<end>"
MARKS = (PADDING_MARK, UNKNOWN_MARK, BEGIN_MARK, END_MARK)  # no piece is like them: none has both letters and signs
SPACE = "\u2581"  # sentencepiece's sign for the space before a word
SPACES = rf"[\s\p{{Z}}\p{{Cc}}{SPACE}]+"
WORDS = rf"{SPACE}?(?:[\p{{L}}\p{{M}}]+|\p{{N}}+|[^{SPACE}])"
LONGEST_WORD = 32  # characters; longer ones are cut, so that no input takes more than its length in time
LONGEST_PIECE = 16
AT_ONCE = 4096  # texts per call while learning


@keras.saving.register_keras_serializable(package="zoo")
class Subwords(keras.layers.Layer):
    """Texts as ids of word pieces, learnt from texts by byte-pair encoding.

    `layer(values: string[batch], length: int32[batch])` gives `(ids: int32[batch, piece], length: int32[batch])`,
    right-padded with 0; the lengths given are not looked at, and a text without any word has none.

    A text is cut into words: runs of letters, runs of digits, and any other character by itself, each with the space
    before it where there is one. `adapt` learns pieces from the words of the train texts, most useful first. A word
    is then cut from its front, always by the longest piece that fits, in training and afterwards alike, so that words
    never seen are read by pieces that are known. Any kind and number of white space counts as one space.

    Ids: 0 is padding. With `ends`, 1 stands at the begin and 2 at the end of every text, and characters that no piece
    has are dropped, so that what is learnt to be written consists of text alone; without, 1 is any such character.

    Args:
      size: Number of pieces, the two or three marks included; fewer where the texts do not give as many.
      lower: Fold upper case to lower.
      ends: Put marks at both ends.

    Source:
      Sennrich, Haddow and Birch 2016, Neural Machine Translation of Rare Words with Subword Units; learnt by
      sentencepiece, Kudo and Richardson 2018. Cutting by the longest piece: Uzan et al. 2024, Greed is All You Need.
    """

    def __init__(self, *, size: int = 4000, lower: bool = True, ends: bool = False, **kwargs: object):
        super().__init__(**{"dtype": "int32", **kwargs})
        self.size, self.lower, self.ends = size, lower, ends
        self.pieces: tuple[str, ...] = ()
        self.built = True  # it has no weights; an export refuses to track what is not built

    def adapt(self, texts: Sequence[bytes | str]) -> None:
        """Learns the pieces; the same from the same texts in any order.

        Args:
          texts: Of the train split, UTF-8 where bytes.

        Raises:
          UsageError: There is no word in them, or `size` leaves no room for their characters.
        """
        counts: collections.Counter[bytes] = collections.Counter()
        for first in range(0, len(texts), AT_ONCE):
            counts.update(words_of(tf.constant(texts[first : first + AT_ONCE]), self.lower).flat_values.numpy())
        words = {word.decode(): count for word, count in sorted(counts.items())}
        marks = (PADDING_MARK, BEGIN_MARK, END_MARK) if self.ends else (PADDING_MARK, UNKNOWN_MARK)
        least = len(set().union(*words)) + len(marks)
        if not words:
            raise UsageError(f"`Subwords` learns from words, and {len(texts)} texts came without any. Give it texts.")
        if self.size < least:
            raise UsageError(
                f"`size` must be at least {least}, for the {least - len(marks)} characters of the texts and "
                f"{len(marks)} marks, got {self.size}. Raise it."
            )
        self.set_state({"pieces": [*marks, *learnt(words, self.size - len(marks))]})

    def get_state(self) -> dict[str, object]:
        """What `adapt` learnt, as plain values for JSON."""
        return {"pieces": list(self.pieces)}

    def set_state(self, state: dict[str, object]) -> None:
        """Puts back what `get_state` gave."""
        self.pieces = tuple(state["pieces"])
        ids = {piece: number for number, piece in enumerate(self.pieces) if piece not in MARKS}
        with tf.init_scope():
            content = tf.lookup.KeyValueTensorInitializer([*ids], [*ids.values()], tf.string, tf.int32)
            self._table = tf.lookup.StaticHashTable(content, default_value=-1)

    def call(self, values: tf.Tensor, length: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Ids int32[batch, piece] and their lengths int32[batch]; see the class.

        Args:
          values: string[batch], UTF-8.
          length: Not looked at.

        Raises:
          UsageError: Nothing was learnt yet.
        """
        if not self.pieces:
            raise UsageError("`Subwords` has no pieces yet; call `adapt` with train texts or `set_state` first.")
        words = words_of(values, self.lower)
        unique, places = tf.unique(words.flat_values)
        ids = words.with_flat_values(tf.gather(self._cut(unique), places)).merge_dims(1, 2)
        if self.ends:
            mark = tf.ones([ids.nrows(), 1], tf.int32)
            ids = tf.concat([BEGIN * mark, ids, END * mark], 1)
        return ids.to_tensor(PADDING), tf.cast(ids.row_lengths(), tf.int32)

    def _cut(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Ids int32[word, piece] of words string[word], always the longest piece that fits next."""
        sizes = tf.strings.length(words, "UTF8_CHAR")
        lengths = tf.range(1, LONGEST_PIECE + 1)[None]

        def step(t: tf.Tensor, place: tf.Tensor, found: tf.TensorArray) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray]:
            rows = tf.where(place < sizes)
            at = tf.gather_nd(place, rows)[:, None]
            wide = tf.zeros_like(at) + lengths
            starts = tf.strings.substr(
                tf.tile(tf.gather_nd(words, rows)[:, None], [1, LONGEST_PIECE]), at + 0 * wide, wide, "UTF8_CHAR"
            )
            ids = self._table.lookup(starts)
            longest = tf.reduce_max(tf.where(ids >= 0, wide, 1), 1)
            best = tf.gather(ids, longest - 1, batch_dims=1)
            if not self.ends:
                best = tf.where(best >= 0, best, UNKNOWN)
            found = found.write(t, tf.tensor_scatter_nd_update(tf.fill(tf.shape(words), -1), rows, best))
            return t + 1, tf.tensor_scatter_nd_add(place, rows, longest), found

        found = tf.TensorArray(tf.int32, 0, dynamic_size=True, element_shape=[None])
        start = tf.constant(0), tf.zeros_like(sizes), found
        steps, _, found = tf.while_loop(lambda t, place, found: tf.reduce_any(place < sizes), step, start)
        # a stack of nothing has no size; one more step keeps it, and is dropped with all that is not a piece
        ids = tf.transpose(found.write(steps, tf.fill(tf.shape(words), -1)).stack())
        return tf.ragged.boolean_mask(ids, ids >= 0)

    def features(self, input: Spec) -> Spec:
        """What this layer makes of `input`.

        Raises:
          UsageError: `input` is not one text.
        """
        if input.kind != "text" or input.shape != () or input.dtype != "string":
            raise UsageError(f"`Subwords` takes a text, string[], got {input}. Take another frontend.")
        return Spec(name="pieces", kind="text", shape=(None,), dtype="int32", axes=("piece",), classes=self.pieces)

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        return {**super().get_config(), **{name: getattr(self, name) for name in ("size", "lower", "ends")}}


def words_of(texts: tf.Tensor, lower: bool) -> tf.RaggedTensor:
    """string[batch, word] of texts string[batch], each word with the space before it; see `Subwords`.

    Bytes that are no UTF-8 become U+FFFD. Words of more than `LONGEST_WORD` characters are cut.
    """
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
    texts = tf.strings.lower(texts, "utf-8") if lower else texts
    texts = tf.strings.strip(tf.strings.regex_replace(texts, SPACES, " "))
    texts = tf.strings.regex_replace(tf.strings.regex_replace(texts, "^(.)", r" \1"), " ", SPACE)
    words = tf.strings.split(tf.strings.regex_replace(texts, WORDS, r"\0 "))
    whole = words.flat_values
    parts = tf.cast(-(-tf.strings.length(whole, "UTF8_CHAR") // LONGEST_WORD), tf.int64)
    first = tf.repeat(tf.cumsum(parts, exclusive=True), parts)
    starts = LONGEST_WORD * (tf.range(tf.size(first, tf.int64)) - first)
    sizes = tf.zeros_like(starts) + LONGEST_WORD
    cut = tf.strings.substr(tf.repeat(whole, parts), starts, sizes, "UTF8_CHAR")
    return words.with_flat_values(tf.RaggedTensor.from_row_lengths(cut, parts)).merge_dims(1, 2)


def joined(ids: tf.Tensor, length: tf.Tensor, pieces: Sequence[str]) -> tf.Tensor:
    """The texts string[batch] that pieces spell: what `Subwords` did, undone, but for white space and case.

    Args:
      ids: int32[batch, piece].
      length: int32[batch], how many of each row count.
      pieces: Of the layer; its marks are left out.
    """
    spelt = tf.constant(["" if piece in MARKS else piece for piece in pieces])
    rows = tf.where(tf.sequence_mask(length, tf.shape(ids)[1]), tf.gather(spelt, ids), "")
    return tf.strings.strip(tf.strings.regex_replace(tf.strings.reduce_join(rows, 1), SPACE, " "))


def learnt(words: dict[str, int], size: int) -> list[str]:
    """At most `size` pieces of words with their counts, by byte-pair encoding; all characters are among them."""
    import sentencepiece

    model = io.BytesIO()
    lines: Iterable[str] = (f"{word}\t{count}" for word, count in words.items())
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        input_format="tsv",
        model_writer=model,
        model_type="bpe",
        vocab_size=size + 1,  # sentencepiece's own mark for unknown characters, dropped below
        hard_vocab_limit=False,
        character_coverage=1.0,
        max_sentencepiece_length=LONGEST_PIECE,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        unk_id=0,
        bos_id=-1,
        eos_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [processor.id_to_piece(number) for number in range(1, processor.get_piece_size())]
