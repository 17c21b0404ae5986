"""LibriSpeech, 100 hours of clean read English to train on: 28,539 utterances of 251 speakers, 16 kHz."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import soundfile
import tensorflow as tf
import tensorflow_datasets as tfds

from zoo.datasets import archives
from zoo.datasets.utterances import TARGET
from zoo.inputs.audio import FULL_SCALE
from zoo.types import Dataset, Source, Spec, UsageError

URL = "http://www.openslr.org/resources/12"
CHECKSUMS = {  # SHA-256 of the files, as the catalogue of TFDS has them
    "train-clean-100.tar.gz": "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    "dev-clean.tar.gz": "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
    "test-clean.tar.gz": "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
    "test-other.tar.gz": "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
}
SPLITS = {"train": "train-clean-100", "val": "dev-clean", "test_clean": "test-clean", "test_other": "test-other"}
HOME = "https://www.openslr.org/12"
LICENCE = "CC BY 4.0"
CITATION = (
    "Panayotov, V., Chen, G., Povey, D. and Khudanpur, S. (2015). Librispeech: An ASR corpus based on public domain "
    "audio books. ICASSP 2015, pages 5206-5210. https://doi.org/10.1109/ICASSP.2015.7178964"
)
INPUT = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=16_000)


class LibriSpeechClean100(tfds.core.GeneratorBasedBuilder):
    """TFDS builder of the four archives alone, where the catalogue's takes all of the 61 GB; `load` is what is used."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "100 hours to train on, dev-clean, test-clean, test-other."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Put {', '.join(CHECKSUMS)} from {URL} into the manual folder; without them, they are downloaded."
    )

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
        given = archives.find_all(folder, "librispeech", list(CHECKSUMS))
        places = given or [Path(dl_manager.download(f"{URL}/{name}")) for name in CHECKSUMS]
        for place, checksum in zip(places, CHECKSUMS.values(), strict=True):
            try:
                archives.verify_file(place, checksum)
            except UsageError:
                if not given:
                    archives.forget_download(place)
                raise
        return {split: self._generate_examples(place) for split, place in zip(SPLITS, places, strict=True)}

    def _generate_examples(self, archive: Path) -> Iterator[tuple[str, dict[str, Any]]]:
        texts = transcripts(archive)
        for name, content in archives.members(archive, ".flac"):
            id = name.removesuffix(".flac")
            if id not in texts:
                raise UsageError(f"`{archive}` has no transcript of {name}; fetch it again.")
            samples, _ = soundfile.read(io.BytesIO(content), dtype="int16")
            yield id, {"audio": samples, "text": texts[id], "id": id}


def transcripts(archive: Path) -> dict[str, str]:
    """What was said in each utterance of an archive, by its name, of its `*.trans.txt`.

    Raises:
      UsageError: A line is not a name and a text, or the archive cannot be read.
    """
    found = {}
    for name, content in archives.members(archive, ".trans.txt"):
        for number, line in enumerate(content.decode().splitlines(), 1):
            id, _, text = line.partition(" ")
            if not text:
                raise UsageError(f"`{archive}`: line {number} of {name} is not `name TEXT`: {line!r}.")
            found[id] = text
    return found


def load(source: Source) -> Dataset:
    """Loads 100 hours of train, `dev-clean` as val, and both tests. No speaker is in two of them.

    Everything is read from disk as it is needed, where it takes 14 GB; nothing is held in memory.

    Args:
      source: Where the four archives may lie, themselves or in the subfolder `librispeech`; nothing is drawn.

    Returns:
      Examples `{"id": string[], "input": float32[sample] in [-1, 1], "target": string[]}` in splits "train", "val",
      "test_clean" and "test_other"; ids are the publisher's, speaker, chapter and number ("103-1240-0000"), texts in
      capitals.

    Raises:
      UsageError: An archive is not the publisher's.
      RunError: The archives are not there and there is no network.

    Source:
      Panayotov, Chen, Povey and Khudanpur 2015.
    """
    found = archives.find_all(archives.manual_dir(source), "librispeech", list(CHECKSUMS))
    builder = archives.prepare(LibriSpeechClean100, found and found[0], url=URL, name=list(CHECKSUMS))
    splits = {split: _examples(builder, split) for split in SPLITS}
    return Dataset(
        name="LibriSpeech, 100 hours",
        version=str(builder.version),
        origin="real",
        input=INPUT,
        target=TARGET,
        splits=splits,
        sizes={split: int(part.cardinality()) for split, part in splits.items()},
        fingerprint=hashlib.sha256(f"{CHECKSUMS}".encode()).hexdigest()[:16],
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
        grouped_by="speaker",
        group_of=lambda id: id.split("-")[0],
    )


def _examples(builder: tfds.core.DatasetBuilder, split: str) -> tf.data.Dataset:
    rows = builder.as_dataset(split=split, read_config=tfds.ReadConfig(interleave_cycle_length=1))

    def example(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"id": row["id"], "input": tf.cast(row["audio"], tf.float32) / FULL_SCALE, "target": row["text"]}

    return rows.map(example)
