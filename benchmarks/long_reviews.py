"""Writes long "reviews" made of the sentiment sample's sentences, whose verdict stands in their last three sentences.

The opposite of each of those three stands just before them, and before that a mix of the sample's sentences, each with
its opposite. So all words are as frequent in both classes and counting them is of no use, and the beginning says
nothing at all; a reader that still has the end, and the order there, can tell.

Usage:
  python benchmarks/long_reviews.py OUT.csv --texts 3000 --seed 0
  zoo run imdb --data OUT.csv
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from zoo.datasets.samples import sentiment
from zoo.datasets.samples.draws import Draws

SHORTEST, LONGEST = 150, 700  # words, punctuation marks counted too
VERDICT = 3  # sentences
Pair = tuple[str, str]  # a negative sentence, and the positive one that is its opposite


def sample_pairs() -> list[Pair]:
    """All pairs of the sentiment sample."""
    pairs = []
    for examples in sentiment.load().splits.values():
        texts = [example["input"].decode() for example in examples.as_numpy_iterator()]
        pairs += zip(texts[::2], texts[1::2], strict=True)  # the members of a pair stand one after the other
    return pairs


def reviews(texts: int, seed: int, pairs: Sequence[Pair]) -> Iterator[tuple[str, str]]:
    """Texts and their labels, "negative" and "positive" by turns; the same for the same arguments, on any machine."""
    draws = Draws(seed)
    # A text of at most so many words, with no room for a pair more, is long enough.
    least = SHORTEST + max(map(_words, pairs))
    for number in range(texts):
        label = number % len(sentiment.CLASSES)
        most = draws.choice(range(least, LONGEST + 1))
        yield _review(draws, label, pairs, most), sentiment.CLASSES[label]


def _review(draws: Draws, label: int, pairs: Sequence[Pair], most: int) -> str:
    """A text of at most `most` words."""
    verdicts = [_plain_pair(draws) for _ in range(VERDICT)]
    count = sum(map(_words, verdicts))
    mixed: list[str] = []
    more = draws.choice(pairs)
    while count + _words(more) <= most:
        mixed += more
        count += _words(more)
        more = draws.choice(pairs)
    denied, meant = ([pair[side] for pair in verdicts] for side in (1 - label, label))
    return " . ".join([*draws.shuffled(mixed), *denied, *meant]) + " ."


def _plain_pair(draws: Draws) -> Pair:
    """A sentence that its adjectives alone decide, as the sample has some, with unkind and with kind ones."""
    form = draws.choice(sentiment.PLAINLY)
    words = {
        "noun": draws.choice(sentiment.NOUNS.split()),
        "people": draws.choice(sentiment.PEOPLE),
        "span": draws.choice(sentiment.SPANS),
    }
    negative, positive = (
        form.format(this=draws.choice(adjectives.split()), **words) for adjectives in sentiment.ADJECTIVES
    )
    return negative, positive


def _words(pair: Pair) -> int:
    """Words of both sentences, with a full stop each."""
    return sum(len(sentence.split()) + 1 for sentence in pair)


def main() -> None:
    """Parses, makes, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the CSV file to write, with columns text and label")
    parser.add_argument("--texts", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with options.out.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        rows.writerows(reviews(options.texts, options.seed, sample_pairs()))


if __name__ == "__main__":
    main()
