"""The sample of ink, and the model of hands that writes it."""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from zoo.datasets import samples
from zoo.datasets.ink import INPUT, TEXT, strokes_of
from zoo.datasets.samples import hands, ink
from zoo.datasets.samples.draws import Draws
from zoo.layers.ink import Ink
from zoo.tasks import Classification
from zoo.types import Dataset, Spec, UsageError


@pytest.fixture(scope="module")
def signs() -> Dataset:
    return samples.load("ink", INPUT, "classification")


@pytest.fixture(scope="module")
def words() -> Dataset:
    return samples.load("ink", INPUT, "transcription")


def read(dataset: Dataset, split: str) -> list[dict]:
    return list(dataset.splits[split].as_numpy_iterator())


def test_every_hand_writes_every_sign_once(signs):
    assert dict(signs.sizes) == {"train": 1360, "val": 170, "test": 272}
    assert (signs.origin, signs.input, signs.target.classes) == ("sample", INPUT, tuple(ink.SIGNS))
    assert len(signs.target.classes) == 34
    for split in signs.splits:
        targets = [example["target"] for example in read(signs, split)]
        assert np.bincount(targets).tolist() == [len(targets) // 34] * 34
        assert all(len(example["input"]) >= 2 for example in read(signs, split))


def test_words_of_val_and_test_are_not_in_train(words):
    assert dict(words.sizes) == {"train": 1600, "val": 200, "test": 320}
    assert words.target == TEXT
    written = {split: {example["target"].decode() for example in read(words, split)} for split in words.splits}
    assert not (
        written["train"] & written["val"] | written["train"] & written["test"] | written["val"] & written["test"]
    )
    assert {len(word) for word in written["test"]} >= {3, 4, 5, 6}
    assert set("".join(written["train"])) == set(ink.LETTERS) >= set("".join(written["test"]))


def test_hands_are_in_one_split_each():
    assert ink.HANDS["test"] >= 2
    draws = Draws(5)
    one, two = hands.draw_hand(draws, ink.SIGNS), hands.draw_hand(draws, ink.SIGNS)
    assert one != two
    assert hands.draw_hand(Draws(5), ink.SIGNS) == one


def test_it_is_the_same_anywhere(signs, words):
    assert (signs.fingerprint, words.fingerprint) == ("731c7f99754fdf62", "fe699db530f2e52f")


def test_what_inks_have_on_the_average_is_not_enough(signs):
    layer = Ink()
    features, raw, truth = {}, {}, {}
    for split in ("train", "test"):
        examples = signs.splits[split].map(lambda row: (row["input"], tf.shape(row["input"])[0])).padded_batch(200)
        made = [layer(values, length) for values, length in examples]
        features[split] = [
            row[:steps] for rows, lengths in made for row, steps in zip(rows.numpy(), lengths.numpy(), strict=True)
        ]
        raw[split] = [example["input"] for example in read(signs, split)]
        truth[split] = np.array([example["target"] for example in read(signs, split)])

    def accuracy(task: Classification, inputs: dict) -> float:
        scores = task.baseline((inputs["train"], truth["train"]), inputs["test"], signs.target)["scores"]
        return np.mean(scores.argmax(1) == truth["test"])

    assert 0.3 < accuracy(Classification(), features) < 0.65
    assert 0.75 < accuracy(Classification(neighbour_points=8), raw) < 0.95  # learnable


def test_order_and_direction_are_habits_of_a_hand():
    draws = Draws(2)
    first = [hands.draw_hand(draws, "x") for _ in range(60)]
    assert {tuple(hand.order["x"]) for hand in first} == {(0, 1), (1, 0)}
    assert len({tuple(hand.begun["x"]) for hand in first}) == 4
    hand = first[0]
    ends = [np.array(hands.write(hand, "x", draws)[0]) for _ in range(8)]
    ways = [np.sign(stroke[-1] - stroke[0]) for stroke in ends]
    assert all((way == ways[0]).all() for way in ways)  # each time alike
    assert len({stroke[0, 0] for stroke in ends}) > 1  # but never the same


def test_dots_and_bars_may_wait_for_the_end_of_the_word():
    draws = Draws(3)
    for _ in range(30):
        hand = hands.draw_hand(draws, "ita")
        strokes = [np.array(stroke) for stroke in hands.write(hand, "tia", draws)]
        counts = [len(hand.shape(sign)[1]) for sign in "tia"]
        assert len(strokes) == sum(counts)
        middles = np.array([stroke[:, 0].mean() for stroke in strokes])
        last_letter = middles.argmax()
        assert (last_letter >= len(strokes) - counts[2]) == (not hand.late)


def test_words_of_a_line_stand_apart_and_nothing_waits_beyond_its_word():
    draws = Draws(6)
    hand = replace(hands.draw_hand(draws, "it"), script=False, late=True, slant=0.0, slope=0.0)
    strokes = hands.write(hand, "tit tit", draws)
    first, second = (np.concatenate(word) for word in (strokes[: len(strokes) // 2], strokes[len(strokes) // 2 :]))
    assert first[:, 0].max() < second[:, 0].min()


def test_sizes_and_slants_differ_and_letters_stand_upright():
    draws = Draws(4)
    heights, slants = [], []
    for _ in range(40):
        hand = hands.draw_hand(draws, "t")
        stem = max((np.array(stroke) for stroke in hands.write(hand, "t", draws)), key=lambda each: np.ptp(each[:, 1]))
        heights.append(np.ptp(stem[:, 1]))
        top, bottom = stem[stem[:, 1].argmin()], stem[stem[:, 1].argmax()]
        slants.append((top[0] - bottom[0]) / np.ptp(stem[:, 1]))
        assert hand.size * 0.6 < heights[-1] < hand.size * 1.4
    assert max(heights) > 2.5 * min(heights)
    assert np.ptp(slants) > 0.5


def test_shapes_are_small_and_carry_their_notice():
    content = importlib.resources.files("zoo.datasets.samples").joinpath("hershey.json").read_bytes()
    assert len(content) < 20_000
    assert "A. V. Hershey" in json.loads(content)["notice"] and "James Hurt" in json.loads(content)["notice"]
    shapes = hands.shapes()
    assert set(shapes["print"]) == set(ink.LETTERS) | set("0123456789")
    assert set(shapes["script"]) == set(ink.LETTERS)
    width, strokes = shapes["print"]["t"]
    assert width == 12 and len(strokes) == 2
    assert strokes[0][0].tolist() == [5, -21]  # a stem from its top, which is up
    assert strokes[1].tolist() == [[2, -14], [9, -14]]


def test_other_uses_are_refused(signs):
    with pytest.raises(UsageError, match="the sample `ink` is ink classification or transcription, it cannot be used"):
        samples.load("ink", INPUT, "forecasting")
    audio = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=8000)
    with pytest.raises(UsageError, match="it cannot be used for audio classification"):
        samples.load("ink", audio, "classification")
    assert all(strokes_of(example["input"]) for example in read(signs, "val"))
