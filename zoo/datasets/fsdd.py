"""The Free Spoken Digit Dataset: 3,000 recordings of "zero" to "nine" by six speakers, 8 kHz."""

from __future__ import annotations

import difflib
import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import soundfile
import tensorflow_datasets as tfds

from zoo.datasets import archives
from zoo.datasets.clips import Clip, as_dataset, target_spec
from zoo.types import Dataset, Source, Spec, UsageError

URL = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/v1.0.10.tar.gz"
ARCHIVES = ("free-spoken-digit-dataset-1.0.10.tar.gz", "v1.0.10.tar.gz")  # as a browser and as wget name it
CHECKSUM = "1801eae019c063377d98f831d3f93574f259475df7332bb0e3d1b080fb5e6959"  # see `archives.content_checksum`
HOME = "https://github.com/Jakobovski/free-spoken-digit-dataset"
LICENCE = "CC BY-SA 4.0"
CITATION = (
    "Jackson, Z., Souza, C., Flaks, J., Pan, Y., Nicolas, H. and Thite, A. (2018). "
    "Jakobovski/free-spoken-digit-dataset: v1.0.10. Zenodo. https://doi.org/10.5281/zenodo.1342401"
)
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
DIGITS = tuple(str(digit) for digit in range(10))
TEST_BELOW, VAL_FROM = 5, 45  # index 0-4 is the publisher's test split; val takes the end of its train split, 45-49
INPUT = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=8000)


class FreeSpokenDigits(tfds.core.GeneratorBasedBuilder):
    """TFDS builder with the publisher's own splits; `load` is what the zoo uses."""

    VERSION = tfds.core.Version("1.0.10")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.10": "Six speakers, 3,000 recordings."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Put {ARCHIVES[0]} from {URL} into the manual folder; without it, it is downloaded."

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "audio": tfds.features.Audio(sample_rate=INPUT.rate_hz, dtype=np.int16),
            "label": tfds.features.ClassLabel(names=list(DIGITS)),
            "speaker": tfds.features.ClassLabel(names=list(SPEAKERS)),
            "index": np.int64,
            "filename": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=__doc__,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("audio", "label"),
            homepage=HOME,
            license=LICENCE,
            citation=CITATION,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        try:
            folder = Path(dl_manager.manual_dir)
        except AssertionError:  # how TFDS says that there is no such folder or nothing in it
            folder = None
        given = archives.find(folder, "fsdd", ARCHIVES)
        archive = given or Path(dl_manager.download(URL))
        try:
            archives.verify(archive, ".wav", CHECKSUM)
        except UsageError:
            if not given:
                archives.forget_download(archive)
            raise
        return {name: self._generate_examples(archive, name) for name in ("train", "test")}

    def _generate_examples(self, archive: Path, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, content in archives.members(archive, ".wav"):
            label, speaker, index = re.fullmatch(r"(\d)_(\w+)_(\d+)\.wav", name).groups()
            if (int(index) < TEST_BELOW) != (split == "test"):
                continue
            samples, _ = soundfile.read(io.BytesIO(content), dtype="int16")
            columns = {"label": label, "speaker": speaker, "index": int(index), "filename": name}
            yield name, {"audio": samples, **columns}


def load(source: Source, *, speaker: str = "") -> Dataset:
    """Loads the data set in its official split, or with one speaker held out for the test.

    Official: test is index 0-4 of each digit and speaker. With `speaker`: test is all of that speaker. Of what is left,
    val is index 45-49 and train the rest.

    Args:
      source: Where the archive may lie; nothing is drawn, so the seed is not used.
      speaker: The speaker to hold out, or "" for the official split.

    Raises:
      UsageError: There is no such speaker, or the archive is not the publisher's.
      RunError: There is no archive and no network.
    """
    if speaker and speaker not in SPEAKERS:
        near = difflib.get_close_matches(speaker, SPEAKERS, 1, 0)[0]
        raise UsageError(f"`speaker` must be one of {', '.join(SPEAKERS)}, got `{speaker}`; did you mean `{near}`?")
    archive = archives.find(archives.manual_dir(source), "fsdd", ARCHIVES)
    builder = archives.prepare(FreeSpokenDigits, archive, url=URL, name=ARCHIVES[0])
    splits: dict[str, list[Clip]] = {"train": [], "val": [], "test": []}
    for row in _rows(builder):
        clip = Clip(row["filename"].decode(), row["audio"].astype(np.int16), int(row["label"]))
        splits[_split(SPEAKERS[row["speaker"]], int(row["index"]), speaker)].append(clip)
    rule = f"{CHECKSUM} {speaker or 'official'} {TEST_BELOW} {VAL_FROM}"
    return Dataset(
        name="Free Spoken Digit Dataset",
        version=str(builder.version),
        origin="real",
        input=INPUT,
        target=target_spec(DIGITS),
        splits={name: as_dataset(clips) for name, clips in splits.items()},
        sizes={name: len(clips) for name, clips in splits.items()},
        fingerprint=hashlib.sha256(rule.encode()).hexdigest()[:16],
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
        grouped_by="speaker",
        group_of=lambda id: id.split("_")[1],
    )


def _split(speaker: str, index: int, held_out: str) -> str:
    tested = speaker == held_out if held_out else index < TEST_BELOW
    return "test" if tested else "val" if index >= VAL_FROM else "train"


def _rows(builder: tfds.core.DatasetBuilder) -> list[dict[str, Any]]:
    """All examples in the order of their file names, whatever order TFDS wrote them in."""
    rows = [row for split in ("train", "test") for row in tfds.as_numpy(builder.as_dataset(split=split))]
    return sorted(rows, key=lambda row: row["filename"])
