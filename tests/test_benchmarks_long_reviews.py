"""The long reviews that a benchmark script writes: their form, and that only their end tells the class."""

from __future__ import annotations

import csv
import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from zoo.datasets import own_text, texts
from zoo.datasets.samples import sentiment

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "long_reviews.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("long_reviews", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def rows(script) -> list[tuple[str, str]]:
    return list(script.reviews(1000, 0, script.sample_pairs()))


def test_it_writes_a_file_that_can_be_read_as_own_data(script, rows, tmp_path, monkeypatch):
    out = tmp_path / "reviews.csv"
    monkeypatch.setattr(sys, "argv", ["long_reviews.py", str(out), "--texts", "40", "--seed", "0"])
    script.main()
    with out.open(encoding="utf-8", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)] == [("text", "label"), *rows[:40]]
    dataset = own_text.load(out, texts.INPUT)
    assert dataset.target.classes == ("negative", "positive")
    assert dict(dataset.sizes) == {"train": 32, "val": 4, "test": 4}


def test_the_seed_alone_decides(script, rows):
    pairs = script.sample_pairs()
    assert list(script.reviews(20, 0, pairs)) == rows[:20]
    assert not {text for text, _ in script.reviews(20, 1, pairs)} & {text for text, _ in rows}
    assert len({text for text, _ in rows}) == len(rows)


def test_lengths_and_classes(rows):
    lengths = [len(text.split()) for text, _ in rows]
    assert 150 <= min(lengths) < 200 and 650 < max(lengths) <= 700
    assert Counter(label for _, label in rows) == {"negative": 500, "positive": 500}


def test_the_last_three_sentences_alone_are_of_one_mind(rows):
    unkind, kind = ({*adjectives.split()} for adjectives in sentiment.ADJECTIVES)
    for text, label in rows:
        sentences = [{*sentence.split()} for sentence in text.removesuffix(" .").split(" . ")]
        theirs, others = (kind, unkind) if label == "positive" else (unkind, kind)
        assert all(words & theirs and not words & others for words in sentences[-3:])
        assert all(words & others and not words & theirs for words in sentences[-6:-3])
        assert len(sentences) % 2 == 0


def test_words_are_as_frequent_in_both_classes(rows):
    counts = {label: Counter() for label in ("negative", "positive")}
    for text, label in rows:
        counts[label].update(text.split())
    total = {label: sum(count.values()) for label, count in counts.items()}
    for words in sentiment.ADJECTIVES:
        shares = [sum(counts[label][word] for word in words.split()) / total[label] for label in counts]
        assert shares[0] == pytest.approx(shares[1], rel=0.02)


@pytest.mark.parametrize(
    ("start", "stop", "lowest", "highest"), [(0, None, 0.4, 0.6), (0, 80, 0.4, 0.6), (-20, None, 0.97, 1)]
)
def test_only_the_end_tells_the_class(rows, start, stop, lowest, highest):
    parts = [" ".join(text.split()[start:stop]) for text, _ in rows]
    labels = [label for _, label in rows]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000)).fit(parts[:800], labels[:800])
    assert lowest <= model.score(parts[800:], labels[800:]) <= highest
