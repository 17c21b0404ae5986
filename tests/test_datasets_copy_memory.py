"""The generator against the text of Arjovsky, Shah and Bengio 2016, section 5.1."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.datasets import copy_memory
from zoo.datasets.copy_memory import SYMBOLS
from zoo.types import Source, UsageError


def spelt(symbols: np.ndarray) -> str:
    return "".join(SYMBOLS[symbol] for symbol in symbols)


def test_sequences_are_as_the_paper_says():
    inputs, targets = copy_memory.generate(300, 100, 10, seed=3)
    assert inputs.shape == targets.shape == (300, 120)
    for row, wanted in zip(inputs, targets, strict=True):
        text = spelt(row)
        assert set(text[:10]) <= set("abcdefgh")
        assert text[10:] == "-" * 99 + ">" + "-" * 10
        assert spelt(wanted) == "-" * 110 + text[:10]
    counts = np.bincount(inputs[:, :10].ravel(), minlength=8)
    assert counts.min() > 300 and counts.max() < 450  # 375 of each letter


def test_examples_fit_their_specs():
    dataset = copy_memory.load(Source(), delay=5, letters=2, train=20, test=4)
    assert dataset.sizes == {"train": 20, "val": 2, "test": 4}
    assert dataset.target.classes == SYMBOLS and len(SYMBOLS) == 10
    inputs, targets = copy_memory.generate(4, 5, 2, seed=2016)
    for row, symbols, wanted in zip(dataset.splits["test"].as_numpy_iterator(), inputs, targets, strict=True):
        np.testing.assert_array_equal(row["input"], np.eye(10, dtype=np.float32)[symbols])
        np.testing.assert_array_equal(row["target"], wanted)
        assert row["target"].dtype == np.int32 and row["input"].shape == (9, 10)


def test_splits_differ_and_only_the_test_split_is_the_same_for_every_seed():
    def contents(seed: int, split: str) -> list[bytes]:
        dataset = copy_memory.load(Source(seed=seed), delay=4, train=40, test=4)
        return [row["input"].tobytes() for row in dataset.splits[split].as_numpy_iterator()]

    assert contents(0, "test") == contents(1, "test")
    assert not set(contents(0, "train")) & set(contents(1, "train"))
    assert not set(contents(0, "val")) & {*contents(0, "train"), *contents(0, "test")}


@pytest.mark.parametrize(("delay", "letters", "name"), [(0, 10, "length"), (5, 0, "letters")])
def test_what_cannot_be_is_refused(delay: int, letters: int, name: str):
    with pytest.raises(UsageError, match=rf"`{name}` must be at least 1, got 0\."):
        copy_memory.generate(1, delay, letters, 0)
