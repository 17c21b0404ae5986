"""Multi30k, task 1: 31,014 captions of pictures in English, translated into German."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import tensorflow_datasets as tfds

from zoo.datasets import archives
from zoo.datasets.pairs import TARGET, Pair, as_dataset
from zoo.datasets.texts import INPUT
from zoo.types import Dataset, Source, UsageError

URL = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"
FILES = {"train": "train", "val": "val", "test": "test_2016_flickr"}
LANGUAGES = ("en", "de")
CHECKSUMS = {  # SHA-256 of each file's unpacked bytes, which do not depend on how it was packed
    "train.en.gz": "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
    "train.de.gz": "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
    "val.en.gz": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
    "val.de.gz": "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
    "test_2016_flickr.en.gz": "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
    "test_2016_flickr.de.gz": "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
}
HOME = "https://github.com/multi30k/dataset"
LICENCE = "Flickr30k terms: non-commercial research and education"
CITATION = (
    "Elliott, D., Frank, S., Sima'an, K. and Specia, L. (2016). Multi30K: Multilingual English-German Image "
    "Descriptions. 5th Workshop on Vision and Language, pages 70-74. https://aclanthology.org/W16-3210/"
)


class Multi30k(tfds.core.GeneratorBasedBuilder):
    """TFDS builder with the publisher's own splits, tested on Flickr's of 2016; `load` is what the zoo uses."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "English and German of task 1, 29,000 / 1,014 / 1,000."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Put the six files *.gz from {URL} into the manual folder, or they are downloaded."

    def _info(self) -> tfds.core.DatasetInfo:
        features = {"id": tfds.features.Text(), **{language: tfds.features.Text() for language in LANGUAGES}}
        return tfds.core.DatasetInfo(
            builder=self,
            description=__doc__,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=LANGUAGES,
            homepage=HOME,
            license=LICENCE,
            citation=CITATION,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        try:
            folder = Path(dl_manager.manual_dir)
        except AssertionError:  # how TFDS says that there is no such folder or nothing in it
            folder = None
        given = archives.find_all(folder, "multi30k", names())
        places = given or [Path(dl_manager.download(f"{URL}/{name}")) for name in names()]
        contents = {}
        for name, place in zip(names(), places, strict=True):
            try:
                contents[name] = unpacked(place, CHECKSUMS[name])
            except UsageError:
                if not given:
                    archives.forget_download(place)
                raise
        return {split: self._generate_examples(contents, split) for split in FILES}

    def _generate_examples(self, contents: dict[str, bytes], split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        sides = [contents[f"{FILES[split]}.{language}.gz"].decode().split("\n")[:-1] for language in LANGUAGES]
        for number, texts in enumerate(zip(*sides, strict=True)):
            name = f"{split}-{number:06d}"
            yield name, {"id": name, **dict(zip(LANGUAGES, texts, strict=True))}


def names() -> tuple[str, ...]:
    """The publisher's files, by split and language."""
    return tuple(f"{file}.{language}.gz" for file in FILES.values() for language in LANGUAGES)


def unpacked(file: Path, expected: str) -> bytes:
    """The bytes in a gzip file.

    Raises:
      UsageError: It is no gzip file, or the SHA-256 of what is in it is not the expected one.
    """
    try:
        content = gzip.decompress(file.read_bytes())
    except (OSError, EOFError) as error:
        raise UsageError(f"`{file}` is no whole gzip file ({error}); fetch it again.") from None
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise UsageError(
            f"`{file}` is not the publisher's file: the SHA-256 of what is in it is {found}, expected {expected}; "
            "fetch it again."
        )
    return content


def load(source: Source) -> Dataset:
    """Loads the data set in its published splits; test is `test_2016_flickr`.

    Args:
      source: Where the six `*.gz` files may lie; nothing is drawn, so the seed is not used.

    Returns:
      Examples `{"id": string[], "input": string[] English, "target": string[] German}` in the order of the files; ids
      are the split and the line, counted from 0 ("train-000123").

    Raises:
      UsageError: A file is not the publisher's.
      RunError: The files are not there and there is no network.

    Source:
      Elliott et al. (2016), https://aclanthology.org/W16-3210/, task 1 of the WMT multimodal translation tasks.
    """
    found = archives.find_all(archives.manual_dir(source), "multi30k", names())
    builder = archives.prepare(Multi30k, found and found[0], url=URL, name=names())
    splits = {split: _pairs(builder, split) for split in FILES}
    return Dataset(
        name="Multi30k, English to German",
        version=str(builder.version),
        origin="real",
        input=INPUT,
        target=TARGET,
        splits={split: as_dataset(pairs) for split, pairs in splits.items()},
        sizes={split: len(pairs) for split, pairs in splits.items()},
        fingerprint=hashlib.sha256(" ".join(CHECKSUMS.values()).encode()).hexdigest()[:16],
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
    )


def _pairs(builder: tfds.core.DatasetBuilder, split: str) -> Sequence[Pair]:
    """A split in the order of its files, whatever order TFDS wrote it in."""
    rows = tfds.as_numpy(builder.as_dataset(split=split))
    pairs = [Pair(*(row[name].decode() for name in ("id", *LANGUAGES))) for row in rows]
    return sorted(pairs, key=lambda pair: pair.id)
