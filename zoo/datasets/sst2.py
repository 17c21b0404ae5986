"""The Stanford Sentiment Treebank, binary: 9,613 sentences of film reviews, negative or positive (SST-2)."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import tensorflow_datasets as tfds

from zoo.datasets import archives
from zoo.datasets.clips import target_spec
from zoo.datasets.texts import INPUT, Sentence, as_dataset
from zoo.types import Dataset, Source, UsageError

URL = "https://raw.githubusercontent.com/clairett/pytorch-sentiment-classification/master/data/SST2"
FILES = {"train": "train.tsv", "val": "dev.tsv", "test": "test.tsv"}
CHECKSUMS = {  # SHA-256 of each file's bytes
    "train.tsv": "ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920",
    "dev.tsv": "eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359",
    "test.tsv": "831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7",
}
HOME = "https://nlp.stanford.edu/sentiment/"
LICENCE = "none stated"
CITATION = (
    "Socher, R., Perelygin, A., Wu, J., Chuang, J., Manning, C. D., Ng, A. and Potts, C. (2013). "
    "Recursive deep models for semantic compositionality over a sentiment treebank. EMNLP 2013, pages 1631-1642. "
    "https://aclanthology.org/D13-1170/"
)
CLASSES = ("negative", "positive")


class StanfordSentiment(tfds.core.GeneratorBasedBuilder):
    """TFDS builder with the publisher's own splits; `load` is what the zoo uses."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {
        "1.0.0": "Whole sentences without the neutral ones, 6,920 / 872 / 1,821."
    }
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Put {', '.join(CHECKSUMS)} from {URL} into the manual folder; without them, they are downloaded."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "id": tfds.features.Text(),
            "text": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=list(CLASSES)),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=__doc__,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("text", "label"),
            homepage=HOME,
            license=LICENCE,
            citation=CITATION,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        try:
            folder = Path(dl_manager.manual_dir)
        except AssertionError:  # how TFDS says that there is no such folder or nothing in it
            folder = None
        names = tuple(FILES.values())
        given = archives.find_all(folder, "sst2", names)
        places = given or [Path(dl_manager.download(f"{URL}/{name}")) for name in names]
        for name, place in zip(names, places, strict=True):
            try:
                archives.verify_file(place, CHECKSUMS[name])
            except UsageError:
                if not given:
                    archives.forget_download(place)
                raise
        return {split: self._generate_examples(place, split) for split, place in zip(FILES, places, strict=True)}

    def _generate_examples(self, file: Path, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        with file.open(encoding="utf-8", newline="") as lines:
            for number, (text, label) in enumerate(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)):
                name = f"{split}-{number:06d}"
                yield name, {"id": name, "text": text, "label": int(label)}


def load(source: Source) -> Dataset:
    """Loads the data set in its published splits; the publisher's dev split is val.

    Args:
      source: Where `train.tsv`, `dev.tsv` and `test.tsv` may lie; nothing is drawn, so the seed is not used.

    Returns:
      Examples `{"id": string[], "input": string[], "target": int64[]}` in the order of the files; ids are the split and
      the line, counted from 0 ("train-000123").

    Raises:
      UsageError: A file is not the publisher's.
      RunError: The files are not there and there is no network.

    Source:
      Socher et al. (2013), https://aclanthology.org/D13-1170/; as tokenised sentences by clairett on GitHub.
    """
    names = tuple(FILES.values())
    found = archives.find_all(archives.manual_dir(source), "sst2", names)
    builder = archives.prepare(StanfordSentiment, found and found[0], url=URL, name=names)
    splits = {split: _sentences(builder, split) for split in FILES}
    return Dataset(
        name="Stanford Sentiment Treebank, binary (SST-2)",
        version=str(builder.version),
        origin="real",
        input=INPUT,
        target=target_spec(CLASSES),
        splits={split: as_dataset(sentences) for split, sentences in splits.items()},
        sizes={split: len(sentences) for split, sentences in splits.items()},
        fingerprint=hashlib.sha256(" ".join(CHECKSUMS.values()).encode()).hexdigest()[:16],
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
    )


def _sentences(builder: tfds.core.DatasetBuilder, split: str) -> list[Sentence]:
    """A split in the order of its file, whatever order TFDS wrote it in."""
    rows = tfds.as_numpy(builder.as_dataset(split=split))
    sentences = [Sentence(row["id"].decode(), row["text"].decode(), int(row["label"])) for row in rows]
    return sorted(sentences, key=lambda sentence: sentence.id)
