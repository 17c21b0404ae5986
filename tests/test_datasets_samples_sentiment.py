"""The sample of sentiment: what is in it, and that counting words does not solve it."""

from __future__ import annotations

import dataclasses
import fnmatch

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from zoo.datasets import samples, texts
from zoo.datasets.samples import sentiment
from zoo.types import Dataset, UsageError

SIZES = {"train": 3000, "val": 400, "test": 600}
FINGERPRINT = "924513c11a32ef48"  # sentences change only on purpose
Rows = dict[str, list[tuple[str, int]]]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return samples.load("sentiment", texts.INPUT, "classification")


@pytest.fixture(scope="module")
def rows(dataset) -> Rows:
    """Text and label of each example, by split."""
    return {
        split: [(example["input"].decode(), int(example["target"])) for example in examples.as_numpy_iterator()]
        for split, examples in dataset.splits.items()
    }


def adjectives(text: str) -> list[str]:
    """The adjectives of a sentence, in order."""
    known = {word for words in sentiment.ADJECTIVES for word in words.split()}
    return [word for word in text.split() if word in known]


def test_sizes_and_examples(dataset, rows):
    assert dict(dataset.sizes) == {split: len(found) for split, found in rows.items()} == SIZES
    assert (dataset.origin, dataset.licence, dataset.target.classes) == ("sample", "CC0 1.0", ("negative", "positive"))
    for split, examples in dataset.splits.items():
        first = next(examples.as_numpy_iterator())
        assert (first["id"].decode(), first["target"].dtype) == (f"{split}-000000", np.int64)
        assert examples.element_spec["input"].shape == ()
    assert {len(text.split()) for found in rows.values() for text, _ in found} <= set(range(6, 31))


def test_classes_are_balanced_and_most_pairs_have_the_same_words(rows):
    same = 0
    for found in rows.values():
        assert [label for _, label in found] == [0, 1] * (len(found) // 2)
        pairs = list(zip(found[::2], found[1::2], strict=True))
        same += sum(sorted(first.split()) == sorted(second.split()) for (first, _), (second, _) in pairs)
    assert 0.8 < same / 2000 < 0.9


def contents(found: list[tuple[str, int]]) -> set[tuple[str, ...]]:
    """The two adjectives of each pair, or the only one with its noun where both members of the pair have the same."""
    seen = set()
    for (first, _), (second, _) in zip(found[::2], found[1::2], strict=True):
        words = sorted({*adjectives(first), *adjectives(second)})
        nouns = [word for word in first.split() if word in sentiment.NOUNS.split()]
        seen.add(tuple(words) if len(words) == 2 else (*words, *nouns))
    return seen


def test_no_sentence_is_there_twice_and_splits_share_words_but_not_their_combinations(rows):
    sentences = [text for found in rows.values() for text, _ in found]
    assert len(set(sentences)) == len(sentences)
    said = {split: contents(found) for split, found in rows.items()}
    assert {len(content) for found in said.values() for content in found} == {2}
    assert not said["train"] & said["val"] and not said["train"] & said["test"] and not said["val"] & said["test"]
    words = {split: {word for text, _ in found for word in text.split()} for split, found in rows.items()}
    assert words["test"] <= words["train"]


@pytest.mark.parametrize(
    ("form", "decides", "denied"),
    [
        ("although the * was * , the * was *", -1, False),
        ("the * was * , even if the * was *", 0, False),
        ("this is not a * film but a * film", -1, False),
        ("* called the * * , but i found the * *", -1, False),
        ("never mind that * did not think it * , i did not think it *", -1, True),
        ("the * was not * , as i had expected", 0, True),
        ("the * is hardly * and i know the director", 0, True),
        ("the * is * and i hardly know the director", 0, False),
        ("i did read the book , and i would not say that the * is not *", 0, False),
        ("i do not think , and i have seen it twice , that the * is *", 0, True),
    ],
)
def test_labels_follow_what_is_meant(rows, form, decides, denied):
    fitting = [row for found in rows.values() for row in found if fnmatch.fnmatch(row[0], f"*{form}*")]
    assert len(fitting) >= 20
    for text, label in fitting:
        kind = adjectives(text)[decides] in sentiment.ADJECTIVES[1].split()
        assert label == (kind != denied), text


def test_every_process_makes_the_same_sentences(dataset):
    assert samples.load("sentiment", texts.INPUT, "classification").fingerprint == dataset.fingerprint == FINGERPRINT


def test_it_is_refused_where_it_does_not_fit():
    audio = dataclasses.replace(texts.INPUT, kind="audio")
    said = "the sample `sentiment` is text classification, it cannot be used for "
    with pytest.raises(UsageError, match=f"{said}audio classification"):
        samples.load("sentiment", audio, "classification")
    with pytest.raises(UsageError, match=f"{said}text regression"):
        samples.load("sentiment", texts.INPUT, "regression")


@pytest.mark.parametrize(("longest", "lowest", "highest"), [(1, 0.5, 0.65), (2, 0.5, 0.8)])
def test_counts_of_words_are_not_enough(rows, longest, lowest, highest):
    counts = CountVectorizer(ngram_range=(1, longest), token_pattern=r"\S+")
    model = make_pipeline(counts, LogisticRegression(max_iter=1000))
    score = model.fit(*zip(*rows["train"], strict=True)).score(*zip(*rows["test"], strict=True))
    assert lowest <= score < highest  # 0.58 by single words, 0.68 with pairs
