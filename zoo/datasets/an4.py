"""The CMU AN4 corpus: 1,078 utterances of addresses, dates, spelled words and commands, 16 kHz."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import soundfile
import tensorflow_datasets as tfds

from zoo.datasets import archives
from zoo.datasets.utterances import TARGET, Utterance, as_dataset
from zoo.types import Dataset, Source, Spec, UsageError

URL = "http://www.speech.cs.cmu.edu/databases/an4/an4_sphere.tar.gz"
ARCHIVES = ("an4_sphere.tar.gz",)
CHECKSUM = "75f79c73e379c5b35b5724a9593fa51dac67c384a88650358cb836fcba7d1cb0"  # see `archives.content_checksum`
HOME = "http://www.speech.cs.cmu.edu/databases/an4/"
LICENCE = "CMU, BSD-like"
CITATION = (
    "Acero, A. (1990). Acoustical and Environmental Robustness in Automatic Speech Recognition. PhD thesis, Carnegie "
    "Mellon University."
)
VAL_SPEAKERS = 8  # of the 74 in train
INPUT = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=16_000)


class An4(tfds.core.GeneratorBasedBuilder):
    """TFDS builder with the publisher's own splits; `load` is what the zoo uses."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "948 train and 130 test utterances."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Put {ARCHIVES[0]} from {URL} into the manual folder; without it, it is downloaded."

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "audio": tfds.features.Audio(sample_rate=INPUT.rate_hz, dtype=np.int16),
            "text": tfds.features.Text(),
            "id": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=__doc__,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("audio", "text"),
            homepage=HOME,
            license=LICENCE,
            citation=CITATION,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        try:
            folder = Path(dl_manager.manual_dir)
        except AssertionError:  # how TFDS says that there is no such folder or nothing in it
            folder = None
        given = archives.find(folder, "an4", ARCHIVES)
        archive = given or Path(dl_manager.download(URL))
        try:
            archives.verify(archive, ".sph", CHECKSUM)
            texts = {split: transcripts(archive, split) for split in ("train", "test")}
        except UsageError:
            if not given:
                archives.forget_download(archive)
            raise
        return {split: self._generate_examples(archive, found) for split, found in texts.items()}

    def _generate_examples(self, archive: Path, texts: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, content in archives.members(archive, ".sph"):
            id = name.removesuffix(".sph")
            if id in texts:
                samples, _ = soundfile.read(io.BytesIO(content), dtype="int16")
                yield id, {"audio": samples, "text": texts[id], "id": id}


def transcripts(archive: Path, split: str) -> dict[str, str]:
    """What was said in each utterance of a split, by its name, of the archive's `etc/an4_<split>.transcription`.

    The marks of silence at the ends, `<s>` and `</s>`, are left out.

    Raises:
      UsageError: There is no such list in the archive, or a line is not `TEXT (name)`.
    """
    try:
        with tarfile.open(archive) as tar:
            lines = tar.extractfile(f"an4/etc/an4_{split}.transcription").read().decode().splitlines()
    except (KeyError, OSError, tarfile.TarError) as error:
        raise UsageError(f"`{archive}` is not the publisher's archive ({error}); fetch it again.") from None
    found = {}
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(r"(?:<s> )?(.*?)(?: </s>)? \(([\w-]+)\)", line.strip())
        if match is None:
            raise UsageError(f"`{archive}`: line {number} of an4_{split}.transcription is not `TEXT (name)`: {line!r}.")
        found[match[2]] = match[1].strip()
    return found


def load(source: Source) -> Dataset:
    """Loads the corpus in its published splits, whose speakers differ; val are speakers of train.

    Args:
      source: Where the archive may lie; nothing is drawn, so the seed is not used.

    Returns:
      Examples `{"id": string[], "input": float32[sample] in [-1, 1], "target": string[]}`; ids are the publisher's,
      number, speaker and microphone ("an251-fash-b"), texts in capitals.

    Raises:
      UsageError: The archive is not the publisher's.
      RunError: There is no archive and no network.
    """
    archive = archives.find(archives.manual_dir(source), "an4", ARCHIVES)
    builder = archives.prepare(An4, archive, url=URL, name=ARCHIVES[0])
    rows = {
        split: sorted(tfds.as_numpy(builder.as_dataset(split=split)), key=lambda row: row["id"])
        for split in ("train", "test")
    }
    held_out = val_speakers({_speaker(row["id"].decode()) for row in rows["train"]})
    splits: dict[str, list[Utterance]] = {"train": [], "val": [], "test": []}
    for given, part in rows.items():
        for row in part:
            split = "val" if given == "train" and _speaker(row["id"].decode()) in held_out else given
            splits[split].append(Utterance(row["id"].decode(), row["audio"].astype(np.int16), row["text"].decode()))
    return Dataset(
        name="CMU AN4",
        version=str(builder.version),
        origin="real",
        input=INPUT,
        target=TARGET,
        splits={split: as_dataset(part) for split, part in splits.items()},
        sizes={split: len(part) for split, part in splits.items()},
        fingerprint=hashlib.sha256(f"{CHECKSUM} {sorted(held_out)}".encode()).hexdigest()[:16],
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
        grouped_by="speaker",
        group_of=_speaker,
    )


def val_speakers(speakers: set[str]) -> set[str]:
    """Eight of the train speakers, by a hash of their names, so that nobody chose them."""
    return set(sorted(speakers, key=lambda name: hashlib.sha256(name.encode()).digest())[:VAL_SPEAKERS])


def _speaker(id: str) -> str:
    return id.split("-")[1]
