"""The generator against the text of Hochreiter and Schmidhuber 1997, section 5.6."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.datasets import temporal_order
from zoo.datasets.temporal_order import SYMBOLS
from zoo.types import Source, UsageError

# "X, X -> Q; X, Y -> R; Y, X -> S; Y, Y -> U", and the eight of task 6b, in the paper's order
PAIRS = ("XX", "XY", "YX", "YY")
ORDERS = {4: PAIRS, 8: tuple(first + pair for first in "XY" for pair in PAIRS)}
PLACES = {4: [(10, 20), (50, 60)], 8: [(10, 20), (33, 43), (66, 76)]}


def drawn(classes: int, count: int = 600, length: int = 100) -> list[tuple[str, int]]:
    sequences, labels = temporal_order.generate(count, classes, length, seed=5)
    assert labels.dtype == np.int64
    return [
        ("".join(SYMBOLS[symbol] for symbol in row), int(label)) for row, label in zip(sequences, labels, strict=True)
    ]


@pytest.mark.parametrize("classes", [4, 8])
def test_sequences_are_as_the_paper_says(classes: int):
    rows = drawn(classes)
    assert {len(text) for text, _ in rows} == set(range(100, 111))
    seen = [set() for _ in PLACES[classes]]
    for text, label in rows:
        assert text[0] == "E" and text[-1] == "B"
        at = [place for place, symbol in enumerate(text) if symbol in "XY"]
        assert len(at) == len(PLACES[classes])
        for place, found, (low, high) in zip(at, seen, PLACES[classes], strict=True):
            assert low <= place <= high
            found.add(place)
        assert "".join(text[place] for place in at) == ORDERS[classes][label]
        assert set(text[1:-1]) - set("XY") <= set("abcd")
    assert seen == [set(range(low, high + 1)) for low, high in PLACES[classes]]


def test_classes_and_what_says_nothing_are_drawn_evenly():
    rows = drawn(8, count=2000)
    counts = np.bincount([label for _, label in rows], minlength=8)
    assert counts.min() > 200 and counts.max() < 300
    letters = "".join(text for text, _ in rows)
    shares = [letters.count(letter) / len(letters) for letter in "abcd"]
    assert max(shares) - min(shares) < 0.01


def test_places_are_in_proportion_to_the_length():
    for text, _ in drawn(4, length=40):
        at = [place for place, symbol in enumerate(text) if symbol in "XY"]
        assert 4 <= at[0] <= 8 and 20 <= at[1] <= 24 and 40 <= len(text) <= 44


def test_examples_fit_their_specs():
    dataset = temporal_order.load(Source(), classes=8, length=30, train=20, test=5)
    assert dataset.sizes == {"train": 20, "val": 2, "test": 5}
    assert dataset.target.classes == ORDERS[8]
    sequences, labels = temporal_order.generate(5, 8, 30, seed=1997)
    rows = list(dataset.splits["test"].as_numpy_iterator())
    for row, symbols, label in zip(rows, sequences, labels, strict=True):
        np.testing.assert_array_equal(row["input"], np.eye(8, dtype=np.float32)[symbols])
        assert row["target"] == label
    assert dataset.splits["train"].element_spec["input"].shape.as_list() == [None, 8]
    assert [row["id"].decode() for row in rows] == [f"test-{number}" for number in range(5)]


def test_splits_differ_and_only_the_test_split_is_the_same_for_every_seed():
    def contents(seed: int, split: str) -> list[bytes]:
        dataset = temporal_order.load(Source(seed=seed), length=30, train=40, test=4)
        return [row["input"].tobytes() for row in dataset.splits[split].as_numpy_iterator()]

    assert contents(0, "test") == contents(1, "test")
    assert contents(0, "train")[:4] != contents(1, "train")[:4] != contents(0, "test")
    assert contents(0, "val") != contents(0, "train")[:4]
    prints = {
        temporal_order.load(Source(seed=s), classes=c, length=30, train=9).fingerprint for s in (0, 1) for c in (4, 8)
    }
    assert len(prints) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 4, 19, 0), r"`length` must be at least 20 steps, got 19\. Give a longer sequence\."),
        ((1, 5, 100, 0), r"`classes` must be 4 or 8, got 5\."),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple, message: str):
    with pytest.raises(UsageError, match=message):
        temporal_order.generate(*arguments)
