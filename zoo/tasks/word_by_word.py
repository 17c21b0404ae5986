"""Translation word by word, from which words occur together: what a translator has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from zoo.layers.subwords import SPACE, words_of

ROUNDS = 5  # later ones hardly move the best translation of a word


def word_by_word(train: tuple[Sequence[bytes], Sequence[bytes]], test: Sequence[bytes]) -> list[bytes]:
    """Lower-case translations of texts, each word by its likeliest one, in the order of the source.

    Args:
      train: Sources and their targets, UTF-8.
      test: Sources; words that never occur in train are copied.
    """
    best = lexicon(*train)
    rows = words_of(tf.constant(list(test), tf.string), lower=True)
    written = np.array([best.get(word, word) for word in rows.flat_values.numpy()], object)
    texts = (b"".join(row) for row in np.split(written, rows.row_splits.numpy()[1:-1]))
    return [text.replace(SPACE.encode(), b" ").strip() for text in texts]


def lexicon(sources: Sequence[bytes], targets: Sequence[bytes]) -> dict[bytes, bytes]:
    """Each source word to the target word that it most likely gives, both lower-case and with the space before them.

    Source:
      Brown et al. 1993, The Mathematics of Statistical Machine Translation, section 4.2, model 1, with its empty word.
    """
    read = words_of(tf.constant(list(sources), tf.string), lower=True)
    read = tf.concat([tf.fill([read.nrows(), 1], ""), read], 1)  # the empty word may give any target word
    written = words_of(tf.constant(list(targets), tf.string), lower=True)
    source_words, source = np.unique(read.flat_values.numpy().astype(bytes), return_inverse=True)
    target_words, target = np.unique(written.flat_values.numpy().astype(bytes), return_inverse=True)
    if not len(target):
        return {}
    sizes = read.row_lengths().numpy()[written.value_rowids().numpy()]  # source words that may have given each target's
    place = np.repeat(np.arange(len(target)), sizes)
    within = np.arange(len(place)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    giver = source[read.row_starts().numpy()[written.value_rowids().numpy()][place] + within]
    pairs, pair = np.unique(giver * len(target_words) + target[place], return_inverse=True)
    pair_source, pair_target = np.divmod(pairs, len(target_words))
    chance = np.ones(len(pairs))
    for _ in range(ROUNDS):
        share = chance[pair]
        share /= np.bincount(place, share)[place]
        expected = np.bincount(pair, share)
        chance = expected / np.bincount(pair_source, expected)[pair_source]
    order = np.lexsort((pair_target, -chance, pair_source))
    known, first = np.unique(pair_source[order], return_index=True)
    likeliest = pair_target[order][first]
    pairs_of_words = zip(source_words[known].tolist(), target_words[likeliest].tolist(), strict=True)
    return {one: other for one, other in pairs_of_words if one}
