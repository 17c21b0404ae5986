"""Multi30k, task 1: 31,014 descriptions of photographs in English, translated into German by people."""

from __future__ import annotations

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
LANGUAGES = ("en", "de")  # source, target
TESTS = {
    "2016": ("test_2016_flickr",),
    "2017": ("test_2017_flickr",),
    "both": ("test_2016_flickr", "test_2017_flickr"),
}
CHECKSUMS = {  # SHA-256 of what each file holds; gzip files of equal content may differ
    "train.en.gz": "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
    "train.de.gz": "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
    "val.en.gz": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
    "val.de.gz": "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
    "test_2016_flickr.en.gz": "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
    "test_2016_flickr.de.gz": "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
    "test_2017_flickr.en.gz": "ce1450ddc5ab0834502579d77a170849952e15a2938b34cc503bdc25ebb4fb98",
    "test_2017_flickr.de.gz": "c3078bc3b36808bf9d20eb2347ed6137016179ef59ec0d2b9b8ecc3fb2880081",
}
HOME = "https://github.com/multi30k/dataset"
LICENCE = "Flickr30k terms: non-commercial research and education"
CITATION = (
    "Elliott, D., Frank, S., Sima'an, K. and Specia, L. (2016). Multi30K: Multilingual English-German Image "
    "Descriptions. Proceedings of the 5th Workshop on Vision and Language, pages 70-74. "
    "https://aclanthology.org/W16-3210/"
)


class Multi30k(tfds.core.GeneratorBasedBuilder):
    """TFDS builder with the publisher's splits, one config for each choice of tests; `load` is what the zoo uses."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "Task 1, English to German, 29,000 / 1,014 / 1,000 a test."}
    BUILDER_CONFIGS: ClassVar[list[tfds.core.BuilderConfig]] = [
        tfds.core.BuilderConfig(name=f"test_{test}", description=f"With {' and '.join(names)}.")
        for test, names in TESTS.items()
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Put {', '.join(CHECKSUMS)} from {URL} into the manual folder; without them, they are downloaded."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {name: tfds.features.Text() for name in ("id", *LANGUAGES)}
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
        splits = _splits(self.builder_config.name.removeprefix("test_"))
        names = _files(splits)
        given = archives.find_all(folder, "multi30k", names)
        places = given or [Path(dl_manager.download(f"{URL}/{name}")) for name in names]
        lines: dict[str, list[str]] = {}
        for name, place in zip(names, places, strict=True):
            try:
                content = archives.verify_gzip(place, CHECKSUMS[name])
            except UsageError:
                if not given:
                    archives.forget_download(place)
                raise
            lines[name] = content.decode().removesuffix("\n").split("\n")
        columns = {split: [lines[name] for name in _files([split])] for split in splits}
        for split, (sources, targets) in columns.items():
            if len(sources) != len(targets):
                one, other = _files([split])
                raise UsageError(
                    f"`{one}` has {len(sources):,} lines and `{other}` {len(targets):,}, but each line must have its "
                    "translation in the same place; fetch both again."
                )
        return {split: self._generate_examples(split, *texts) for split, texts in columns.items()}

    def _generate_examples(
        self, split: str, sources: Sequence[str], targets: Sequence[str]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, texts in enumerate(zip(sources, targets, strict=True)):
            name = f"{split}-{number:06d}"
            yield name, {"id": name, **dict(zip(LANGUAGES, texts, strict=True))}


def load(source: Source, test: str = "2016") -> Dataset:
    """Loads the data set, English to German, in its published splits.

    Args:
      source: Where the files `<split>.<language>.gz` may lie; nothing is drawn, so the seed is not used.
      test: Which tests: "2016" (Flickr 2016) or "2017" (Flickr 2017), each as the split "test", or "both", as
        "test_2016_flickr" and "test_2017_flickr". Files of a test that is not named are not needed.

    Returns:
      Examples `{"id": string[], "input": string[], "target": string[]}` in the order of the files; ids are the split as
      its files are named and the line, counted from 0 ("test_2016_flickr-000123").

    Raises:
      UsageError: There are no such tests, a file is not the publisher's, or a sentence is without its translation.
      RunError: The files are not there and there is no network.

    Source:
      Elliott, Frank, Sima'an and Specia (2016), https://aclanthology.org/W16-3210/.
    """
    if test not in TESTS:
        raise UsageError(f"there is no `test` {test}; give one of {', '.join(TESTS)}.")
    names = _files(_splits(test))
    found = archives.find_all(archives.manual_dir(source), "multi30k", names)
    builder = archives.prepare(Multi30k, found and found[0], url=URL, name=names, config=f"test_{test}")
    published = {"test" if TESTS[test] == (split,) else split: split for split in _splits(test)}
    pairs = {split: _pairs(builder, theirs) for split, theirs in published.items()}
    return Dataset(
        name="Multi30k, task 1, English to German",
        version=str(builder.version),
        origin="real",
        input=INPUT,
        target=TARGET,
        splits={split: as_dataset(part) for split, part in pairs.items()},
        sizes={split: len(part) for split, part in pairs.items()},
        fingerprint=hashlib.sha256(" ".join(CHECKSUMS[name] for name in names).encode()).hexdigest()[:16],
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
    )


def _splits(test: str) -> tuple[str, ...]:
    """The splits as the publisher names them."""
    return ("train", "val", *TESTS[test])


def _files(splits: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{split}.{language}.gz" for split in splits for language in LANGUAGES)


def _pairs(builder: tfds.core.DatasetBuilder, split: str) -> list[Pair]:
    """A split in the order of its files, whatever order TFDS wrote it in."""
    rows = tfds.as_numpy(builder.as_dataset(split=split))
    pairs = [Pair(*(row[name].decode() for name in ("id", *LANGUAGES))) for row in rows]
    return sorted(pairs, key=lambda pair: pair.id)
