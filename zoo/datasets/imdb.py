"""The Large Movie Review Dataset: 50,000 film reviews, negative or positive, and 50,000 unlabelled ones (IMDB)."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

import tensorflow_datasets as tfds

from zoo.datasets import archives, splits
from zoo.datasets.clips import target_spec
from zoo.datasets.texts import INPUT, Sentence, as_dataset, fingerprint
from zoo.types import Dataset, Source

URL = "http://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
ARCHIVE = "aclImdb_v1.tar.gz"  # the name that TFDS has registered with the checksum, and looks for
HOME = "http://ai.stanford.edu/~amaas/data/sentiment/"
LICENCE = "none stated"
CITATION = (
    "Maas, A. L., Daly, R. E., Pham, P. T., Huang, D., Ng, A. Y. and Potts, C. (2011). "
    "Learning word vectors for sentiment analysis. ACL 2011, pages 142-150. https://aclanthology.org/P11-1015/"
)
CLASSES = ("negative", "positive")
VAL_SHARE = 0.1  # of the publisher's train split, 2,500 reviews
BREAKS = re.compile(r"(?:\s*<br />)+\s*")
ROWS = 1024  # read from TFDS at once


def load(source: Source, *, unlabelled: bool = False) -> Dataset:
    """Loads the catalogue's `imdb_reviews` with the publisher's test split; val is drawn from the publisher's train.

    The draw goes by the text and the seed, an equal share of each class. A review that the publisher's train split has
    more than once stays in train, so no text is in train and val both. Line breaks (`<br />`) become a space.

    Args:
      source: Where `aclImdb_v1.tar.gz` may lie, itself or in the subfolder `imdb`; the seed is that of the draw.
      unlabelled: Whether to give the publisher's unlabelled reviews too, as split "unlabelled" with target -1. They may
        repeat reviews of the other splits.

    Returns:
      22,500 train, 2,500 val and 25,000 test examples `{"id": string[], "input": string[], "target": int64[]}` (and
      50,000 unlabelled ones). Ids are the publisher's split and a number ("train-000123"); numbers and order follow a
      hash of the text, so classes are mixed, and neither the seed nor the order of the archive changes an id.

    Raises:
      UsageError: The archive is not the publisher's.
      RunError: There is no archive and no network.

    Source:
      Maas et al. (2011), https://aclanthology.org/P11-1015/.
    """
    archive = archives.find(archives.manual_dir(source), "imdb", (ARCHIVE,))
    builder = archives.prepare(
        tfds.builder_cls("imdb_reviews"), archive, url=URL, name=ARCHIVE
    )  # its first: plain_text
    parts = _train_and_val(_reviews(builder, "train", "train"), source.seed)
    parts["test"] = _reviews(builder, "test", "test")
    if unlabelled:
        parts["unlabelled"] = _reviews(builder, "unsupervised", "unlabelled")
    return Dataset(
        name="Large Movie Review Dataset (IMDB)",
        version=str(builder.version),
        origin="real",
        input=INPUT,
        target=target_spec(CLASSES),
        splits={split: as_dataset(reviews) for split, reviews in parts.items()},
        sizes={split: len(reviews) for split, reviews in parts.items()},
        fingerprint=fingerprint([review for reviews in parts.values() for review in reviews]),
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
    )


def plain(markup: str) -> str:
    """A review without its only markup: line breaks, and the space around them, become one space each run."""
    return BREAKS.sub(" ", markup).strip()


def _reviews(builder: tfds.core.DatasetBuilder, split: str, name: str) -> list[Sentence]:
    """A split of the publisher's, in the order of a hash of the text, whatever order TFDS wrote it in.

    Labels index `CLASSES` ("neg" and "pos" in the catalogue), or are -1 where there are none; ids begin with `name`.
    """
    rows = [
        (plain(text.decode()), int(label))
        for batch in tfds.as_numpy(builder.as_dataset(split=split, batch_size=ROWS))
        for text, label in zip(batch["text"], batch["label"], strict=True)
    ]
    rows.sort(key=lambda row: (hashlib.sha256(row[0].encode()).digest(), row[1]))
    return [Sentence(f"{name}-{number:06d}", text, label) for number, (text, label) in enumerate(rows)]


def _train_and_val(reviews: list[Sentence], seed: int) -> dict[str, list[Sentence]]:
    """Val is drawn class by class, from the reviews whose text is there once."""
    counts = Counter(review.text for review in reviews)
    drawn: dict[str, str] = {}
    for label in range(len(CLASSES)):
        labelled = [review for review in reviews if review.label == label]
        single = [review.text for review in labelled if counts[review.text] == 1]
        share = VAL_SHARE * len(labelled) / len(single)  # so that repeats do not make val smaller
        drawn |= zip(single, splits.draw(single, [CLASSES[label]] * len(single), seed, {"val": share}), strict=True)
    parts: dict[str, list[Sentence]] = {"train": [], "val": []}
    for review in reviews:
        parts[drawn.get(review.text, "train")].append(review)
    return parts
