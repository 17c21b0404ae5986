from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from zoo.datasets import pairs, samples, texts
from zoo.datasets.samples import translation
from zoo.datasets.samples.translation import clock, number, ordinal
from zoo.types import Dataset, UsageError

GERMAN = """null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn
    siebzehn achtzehn neunzehn zwanzig einundzwanzig zweiundzwanzig dreiundzwanzig vierundzwanzig fünfundzwanzig
    sechsundzwanzig siebenundzwanzig achtundzwanzig neunundzwanzig dreißig einunddreißig""".split()  # noqa: SIM905
AFTER_AM = """ersten zweiten dritten vierten fünften sechsten siebten achten neunten zehnten elften zwölften
    dreizehnten vierzehnten fünfzehnten sechzehnten siebzehnten achtzehnten neunzehnten zwanzigsten
    einundzwanzigsten""".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return samples.load("translation", texts.INPUT, "translation")


def rows(dataset: Dataset, split: str) -> list[tuple[str, str]]:
    examples = dataset.splits[split].as_numpy_iterator()
    return [(example["input"].decode(), example["target"].decode()) for example in examples]


def test_numbers_in_german():
    assert [number(value)[1] for value in range(32)] == GERMAN
    for tens, word in zip(range(20, 100, 10), "zwan drei vier fünf sech sieb acht neun".split(), strict=True):  # noqa: SIM905
        ending = "ßig" if tens == 30 else "zig"
        assert number(tens)[1] == word + ending
        assert number(tens + 7)[1] == f"siebenund{word}{ending}"
    assert len({number(value) for value in range(100)}) == 100


@pytest.mark.parametrize(("value", "english"), [(0, "zero"), (13, "thirteen"), (40, "forty"), (99, "ninety nine")])
def test_numbers_in_english(value, english):
    assert number(value)[0] == english


def test_ordinals():
    assert [ordinal(value)[1] for value in range(1, 22)] == AFTER_AM
    assert ordinal(31) == ("thirty first", "einunddreißigsten")
    assert [ordinal(value)[0] for value in (1, 12, 20, 22, 30)] == [
        "first",
        "twelfth",
        "twentieth",
        "twenty second",
        "thirtieth",
    ]


@pytest.mark.parametrize(
    ("hour", "minute", "english", "german"),
    [
        (1, 0, "at one o'clock", "um ein Uhr"),
        (5, 0, "at five o'clock", "um fünf Uhr"),
        (5, 30, "at half past five", "um halb sechs"),
        (12, 30, "at half past twelve", "um halb eins"),
        (5, 15, "at a quarter past five", "um Viertel nach fünf"),
        (5, 45, "at a quarter to six", "um Viertel vor sechs"),
        (12, 50, "at ten to one", "um zehn vor eins"),
        (7, 25, "at twenty five past seven", "um fünfundzwanzig nach sieben"),
    ],
)
def test_times(hour, minute, english, german):
    assert clock(hour, minute) == (english, german)


def test_splits_share_no_sentence(sample):
    assert dict(sample.sizes) == translation.SIZES == {"train": 4000, "val": 300, "test": 400}
    sources = [source for split in sample.splits for source, _ in rows(sample, split)]
    assert len(set(sources)) == len(sources) == 4700
    found = [{translation.content(source) for source, _ in rows(sample, split)} for split in sample.splits]
    assert not found[0] & found[1] and not found[0] & found[2] and not found[1] & found[2]
    assert (sample.origin, sample.input, sample.target) == ("sample", texts.INPUT, pairs.TARGET)


def test_it_is_the_same_everywhere(sample):
    assert sample.fingerprint == "386d8178a00f19bb"
    assert rows(sample, "train")[0] == (
        "on thursday he paid twenty seven euros for forty three tickets",
        "am Donnerstag hat er siebenundzwanzig Euro für dreiundvierzig Karten bezahlt",
    )


def test_every_word_of_test_is_in_train(sample):
    for side in (0, 1):
        train = {word for row in rows(sample, "train") for word in row[side].split()}
        assert len(train) < 300
        assert {word for row in rows(sample, "test") for word in row[side].split()} <= train


def test_sentences_are_short_and_of_letters(sample):
    for source, target in rows(sample, "train"):
        assert 5 <= len(source.split()) <= 20
        assert len(target.split()) <= 20
        assert source == source.lower()
        assert (source + target).replace(" ", "").replace("'", "").isalpha()


def test_no_dictionary_gets_a_sentence_right(sample):
    """The best word for each word by how much more often both occur together than apart, in the source's order."""
    train = rows(sample, "train")
    together: Counter[tuple[str, str]] = Counter()
    alone: Counter[str] = Counter()
    for source, target in train:
        words = set(target.split())
        alone.update(words)
        together.update((one, other) for one in set(source.split()) for other in words)
    best: dict[str, tuple[float, str]] = {}
    for (one, other), count in together.items():
        best[one] = max(best.get(one, (0.0, "")), (count / np.sqrt(alone[other]), other))
    found = [" ".join(best[word][1] for word in source.split()) for source, _ in rows(sample, "test")]
    exact = np.mean([one == target for one, (_, target) in zip(found, rows(sample, "test"), strict=True)])
    assert exact < 0.05


def test_other_tasks_are_refused():
    with pytest.raises(UsageError, match="`translation` is text translation, it cannot be used for text classif"):
        samples.load("translation", texts.INPUT, "classification")
