"""Word pieces: what is learnt, how texts are cut, and back; in an export with TensorFlow alone too."""

from __future__ import annotations

import functools
import json
import random
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable

import keras
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo.layers
from zoo.layers.subwords import LONGEST_WORD, MARKS, SPACE, Subwords, joined, words_of
from zoo.types import Spec, UsageError

TEXT = Spec(name="text", kind="text", shape=(), dtype="string", axes=())
SIGNATURE = [tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int32)]
TRAIN = [
    "Two young, White males are outside near many bushes.",
    "Several men in hard hats are operating a giant pulley system.",
    "A man's dog runs; 3 dogs (25 kg) run!  They\tran.",
    "Zwei Männer stehen am Herd und bereiten Essen zu - größer als 1,5 m.",
    "A woman in a hard hat runs near many dogs.",
] * 3
EDGES = [
    "",
    " \t\n",
    "\U0001f415 dog",
    "word " * 5000,
    "x" * 1000,
    "<padding> <begin>",
    f"a{SPACE}b",
    "\x00\x1f",
    "e\u0301",
]


@pytest.fixture(scope="module")
def source() -> Subwords:
    layer = Subwords(size=150)
    layer.adapt(TRAIN)
    return layer


@pytest.fixture(scope="module")
def target() -> Subwords:
    layer = Subwords(size=170, lower=False, ends=True)
    layer.adapt(TRAIN)
    return layer


@functools.cache
def compiled(layer: Subwords) -> Callable:
    return tf.function(lambda values, length: layer(values, length), input_signature=SIGNATURE)


def run(layer: Subwords, texts: list[str | bytes]) -> list[list[str]]:
    ids, length = compiled(layer)(tf.constant(texts), tf.zeros([len(texts)], tf.int32))
    assert ids.dtype == length.dtype == tf.int32 and ids.shape[1] == max(length)
    assert not tf.boolean_mask(ids, ~tf.sequence_mask(length, ids.shape[1])).numpy().any()
    rows = zip(ids.numpy(), length.numpy(), strict=True)
    return [[layer.pieces[number] for number in row[:size]] for row, size in rows]


def spelt(layer: Subwords, texts: list[str]) -> list[str]:
    made = compiled(layer)(tf.constant(texts), tf.zeros([len(texts)], tf.int32))
    return [text.decode() for text in joined(*made, layer.pieces).numpy()]


def test_words_are_letters_digits_and_single_signs_with_their_spaces():
    (words,) = words_of(tf.constant(["  A man's 25kg-dog,\t(größer)!"]), lower=True).to_list()
    assert [word.decode() for word in words] == (
        ["▁a", "▁man", "'", "s", "▁25", "kg", "-", "dog", ",", "▁(", "größer", ")", "!"]
    )


def test_long_words_are_cut_and_bytes_that_are_no_text_survive():
    cut, broken = words_of(tf.constant([b"x" * 70, b"a\xff b"]), lower=False).to_list()
    assert [len(word.decode()) for word in cut] == [LONGEST_WORD, LONGEST_WORD, 71 - 2 * LONGEST_WORD]
    assert [word.decode() for word in broken] == ["▁a", "\ufffd", "▁b"]


def test_pieces_are_as_many_as_asked_for_with_marks_first(source: Subwords, target: Subwords):
    assert len(source.pieces) == 150 and source.pieces[:2] == ("<padding>", "<unknown>")
    assert len(target.pieces) == 170 and target.pieces[:3] == ("<padding>", "<begin>", "<end>")
    for layer in (source, target):
        assert len(set(layer.pieces)) == len(layer.pieces)
        assert not set(MARKS) & set(layer.pieces[3:])
    assert "▁dogs" in source.pieces and {"▁", "ß", "3", ";"} <= set(source.pieces)


def test_fewer_pieces_where_the_texts_have_no_more():
    layer = Subwords(size=1000)
    layer.adapt(["ab ab", "ab"])
    assert set(layer.pieces[2:]) == {"▁ab", "▁", "a", "b", *({"ab", "▁a"} & set(layer.pieces))}


def test_the_same_pieces_from_any_order_and_from_bytes(source: Subwords):
    shuffled = [text.encode() for text in TRAIN]
    random.Random(0).shuffle(shuffled)
    again = Subwords(size=150)
    again.adapt(shuffled)
    assert again.pieces == source.pieces


def cut_by_hand(word: str, pieces: set[str]) -> list[str]:
    """The longest piece at the front, again and again, by plain slices."""
    found = []
    while word:
        longest = next((n for n in range(len(word), 0, -1) if word[:n] in pieces), 0)
        found.append(word[:longest] or "<unknown>")
        word = word[max(longest, 1) :]
    return found


def test_words_are_cut_by_the_longest_piece(source: Subwords):
    pieces = set(source.pieces[2:])
    texts = [*TRAIN[:5], "hatsdogs manhunter outsiders", "qqq ñ dog"]
    for text, found in zip(texts, run(source, texts), strict=True):
        words = [word.decode() for word in words_of(tf.constant([text]), lower=True).flat_values.numpy()]
        assert found == [piece for word in words for piece in cut_by_hand(word, pieces)]


def test_unknown_characters_are_marked_in_the_source_and_dropped_in_the_target(source: Subwords, target: Subwords):
    assert run(source, ["dog ☃"])[0][-2:] == ["▁", "<unknown>"]
    assert run(target, ["dogs ☃"])[0] == ["<begin>", *cut_by_hand("▁dogs", set(target.pieces)), "▁", "<end>"]


def test_ends_stand_around_every_text_even_an_empty_one(target: Subwords, source: Subwords):
    assert run(target, ["", "dogs"])[0] == ["<begin>", "<end>"]
    assert run(source, ["", " "]) == [[], []]


def plain(text: str) -> str:
    return re.sub(rf"[\s{SPACE}]+", " ", text).strip()


def test_train_texts_come_back_whole(source: Subwords, target: Subwords):
    assert spelt(source, TRAIN) == [plain(text).lower() for text in TRAIN]
    assert spelt(target, TRAIN) == [plain(text) for text in TRAIN]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(sorted({*"".join(TRAIN), "\n", SPACE}), max_size=60), min_size=1, max_size=4))
def test_any_text_of_known_characters_comes_back_whole(source: Subwords, target: Subwords, texts: list[str]):
    assert spelt(target, texts) == [plain(text) for text in texts]
    assert spelt(source, texts) == [plain(text).lower() for text in texts]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=3))
def test_any_text_gets_pieces_alone_as_in_a_batch(source: Subwords, target: Subwords, texts: list[str]):
    for layer in (source, target):
        assert run(layer, texts) == [run(layer, [text])[0] for text in texts]
        for text in spelt(layer, texts):
            assert not any(mark in text for mark in MARKS)


def test_joined_reads_no_further_than_the_length_and_leaves_out_marks():
    pieces = ("<padding>", "<begin>", "<end>", "▁a", "b", ",")
    ids = tf.constant([[1, 3, 4, 5, 3, 2], [3, 4, 5, 5, 5, 5], [0, 0, 0, 0, 0, 0]])
    assert joined(ids, tf.constant([6, 2, 0]), pieces).numpy().tolist() == [b"ab, a", b"ab", b""]
    assert joined(ids[:, :0], tf.constant([0, 0, 0]), pieces).numpy().tolist() == [b"", b"", b""]


def test_state_is_json_and_brings_everything_back(source: Subwords):
    again = Subwords.from_config(source.get_config())
    again.set_state(json.loads(json.dumps(source.get_state())))
    assert again.pieces == source.pieces and run(again, TRAIN[:3]) == run(source, TRAIN[:3])


def test_settings_survive():
    config = Subwords(size=99, lower=False, ends=True).get_config()
    assert {name: config[name] for name in ("size", "lower", "ends")} == {"size": 99, "lower": False, "ends": True}
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(Subwords(size=99, ends=True)))
    assert (loaded.size, loaded.ends) == (99, True)


def test_features_are_ids_of_the_pieces(source: Subwords):
    spec = source.features(TEXT)
    assert str(spec) == "pieces: int32[piece]" and spec.kind == "text" and spec.classes == source.pieces
    assert Subwords().features(TEXT).classes == ()


def test_an_export_needs_tensorflow_alone(source: Subwords, target: Subwords, tmp_path):
    archive = keras.export.ExportArchive()
    for layer in (source, target):
        archive.track(layer)

    def serve(text: tf.Tensor) -> dict[str, tf.Tensor]:
        ids, length = source(text)
        written, size = target(text)
        return {"ids": ids, "length": length, "text": joined(written, size, target.pieces)}

    archive.add_endpoint("serve", serve, input_signature=[tf.TensorSpec([None], tf.string, "text")])
    archive.write_out(str(tmp_path / "export"), verbose=False)
    texts = [*TRAIN, *EDGES]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    code = """
        import json, sys
        for name in ("zoo", "keras", "sentencepiece"):
            sys.modules[name] = None
        import tensorflow as tf
        serve = tf.saved_model.load(sys.argv[1] + "/export").serve
        texts = json.load(open(sys.argv[1] + "/texts.json"))
        made = [serve(tf.constant(batch)) for batch in (texts, *([text] for text in texts))]
        made = [{name: value.numpy().tolist() for name, value in one.items()} for one in made]
        print(json.dumps([{**one, "text": [text.decode() for text in one["text"]]} for one in made]))
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    together, *alone = json.loads(done.stdout)
    ids, length = source(tf.constant(texts))
    assert together["ids"] == ids.numpy().tolist() and together["length"] == length.numpy().tolist()
    assert together["text"][:5] == [plain(text) for text in TRAIN[:5]]
    for row, one in enumerate(alone):
        size = together["length"][row]
        assert one["length"] == [size] and one["ids"][0] == together["ids"][row][:size]
        assert one["text"] == [together["text"][row]]


def test_nothing_learnt_is_said():
    with pytest.raises(UsageError, match="`Subwords` has no pieces yet; call `adapt` with train texts or `set_state`"):
        Subwords()(tf.constant(["dog"]))


def test_texts_without_words_are_refused():
    with pytest.raises(UsageError, match=r"learns from words, and 2 texts came without any\. Give it texts"):
        Subwords().adapt(["", " \n"])


def test_a_size_without_room_for_the_characters_is_refused():
    with pytest.raises(
        UsageError, match=r"`size` must be at least 5, for the 3 characters of the texts and 2 marks, got 4"
    ):
        Subwords(size=4).adapt(["ab"])


def test_other_input_than_a_text_is_refused():
    audio = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=8000)
    with pytest.raises(UsageError, match=r"takes a text, string\[\], got audio: float32\[sample\] at 8000 Hz"):
        Subwords().features(audio)


def test_layer_is_found_by_name():
    assert zoo.layers.Subwords is Subwords
