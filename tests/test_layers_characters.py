"""Texts as ids of their symbols."""

from __future__ import annotations

import json

import pytest
import tensorflow as tf

from zoo.layers import Characters
from zoo.types import Spec, UsageError

TEXT = Spec(name="text", kind="text", shape=(), dtype="string", axes=())


def test_characters_are_numbered_in_the_order_of_their_code_points():
    layer = Characters()
    layer.adapt([b"ba", "é b".encode()])
    assert layer.symbols == (" ", "a", "b", "é")
    ids, length = layer(tf.constant([b"ab", "  b \t\u00e9".encode(), b"", b"axb"]))
    assert ids.numpy().tolist() == [[1, 2, -1], [2, 0, 3], [-1, -1, -1], [1, 2, -1]]
    assert length.numpy().tolist() == [2, 3, 0, 2]


def test_words_are_symbols_where_they_are_asked_for():
    layer = Characters(tokens="words")
    layer.adapt([rb"\frac x 2", b"x + 2"])
    assert layer.symbols == ("+", "2", r"\frac", "x")
    ids, length = layer(tf.constant([rb"x  + \frac ", b"y"]))
    assert ids.numpy().tolist() == [[3, 0, 2], [-1, -1, -1]]
    assert length.numpy().tolist() == [3, 0]
    assert layer.features(TEXT).unit == "words"


def test_features_name_the_symbols():
    layer = Characters()
    layer.adapt([b"ab"])
    spec = layer.features(TEXT)
    assert (spec.kind, spec.shape, spec.dtype, spec.classes) == ("text", (None,), "int32", ("a", "b"))


def test_language_model_prefers_what_was_seen():
    layer = Characters(ngram=3)
    layer.adapt([b"abab", b"abab", b"ab"])
    seen, turned = (layer.language_model(*layer(tf.constant([text]))) for text in (b"abab", b"baba"))
    assert float(seen[0]) > float(turned[0]) + 2
    assert Characters().language_model is None


def test_state_goes_through_json():
    layer, again = Characters(ngram=2), Characters(ngram=2)
    layer.adapt([b"abc", b"cab"])
    state = layer.get_state()
    again.set_state(json.loads(json.dumps(state).replace("Infinity", "1e999")))
    for values in (tf.constant([b"cab", b"b"]),):
        assert again(values)[0].numpy().tolist() == layer(values)[0].numpy().tolist()
        assert (
            again.language_model(*again(values)).numpy().tolist()
            == layer.language_model(*layer(values)).numpy().tolist()
        )
    assert Characters.from_config(layer.get_config()).ngram == 2


def test_what_cannot_be_is_refused():
    with pytest.raises(
        UsageError, match=r"`Characters` learns from texts, and 2 came without any symbol\. Give it texts\."
    ):
        Characters().adapt([b"", b"  "])
    with pytest.raises(UsageError, match="`Characters` has no symbols yet; call `adapt` with train texts"):
        Characters()(tf.constant([b"a"]))
    label = Spec(name="label", kind="label", shape=(), dtype="int64", axes=())
    with pytest.raises(UsageError, match=r"`Characters` takes a text, string\[\], got label"):
        Characters().features(label)
