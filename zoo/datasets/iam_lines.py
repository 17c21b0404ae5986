"""IAM: lines of English handwriting as images, by 657 writers, in the splits of RWTH Aachen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import archives
from zoo.datasets.images import INPUT, Line, as_dataset, png_bytes
from zoo.datasets.utterances import TARGET
from zoo.types import Dataset, RunError, Source

LISTS = {"tr.lst": "train", "va.lst": "val", "te.lst": "test"}
HOME = "https://fki.tic.heia-fr.ch/databases/iam-handwriting-database"
LISTS_HOME = "https://github.com/jpuigcerver/Laia/tree/master/egs/iam/data/part/lines/aachen"
LICENCE = "non-commercial research, by registration"
CITATION = (
    "Marti, U. and Bunke, H. (2002). The IAM-database: An English Sentence Database for Off-line Handwriting "
    "Recognition. International Journal on Document Analysis and Recognition 5, pages 39-46."
)
LAYOUT = "lines/ (of lines.tgz), ascii/lines.txt (of ascii.tgz) and the lists tr.lst, va.lst and te.lst"


class IamLines(tfds.core.GeneratorBasedBuilder):
    """TFDS builder over the unpacked files as they are distributed; `load` is what the zoo uses."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "6,161 / 966 / 2,915 lines."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Register at {HOME}, fetch the lists from {LISTS_HOME}, and unpack {LAYOUT} into the manual folder."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "id": tfds.features.Text(),
            "image": tfds.features.Tensor(shape=(), dtype=np.str_),
            "text": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=__doc__,
            features=tfds.features.FeaturesDict(features),
            homepage=HOME,
            license=LICENCE,
            citation=CITATION,
            metadata=tfds.core.MetadataDict(left_out=[]),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        folder = Path(dl_manager.manual_dir)
        texts = transcripts((folder / "ascii" / "lines.txt").read_text(errors="replace"))
        listed = {split: set((folder / name).read_text().split()) for name, split in LISTS.items()}
        return {split: self._generate_examples(folder, texts, names) for split, names in listed.items()}

    def _generate_examples(
        self, folder: Path, texts: dict[str, str], listed: set[str]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        for id, text in texts.items():
            form = id.rsplit("-", 1)[0]
            if id not in listed and form not in listed:  # lists of lines, and lists of forms, are both around
                continue
            try:
                image = png_bytes((folder / "lines" / form.split("-")[0] / form / f"{id}.png").read_bytes())
            except (OSError, ValueError) as error:
                self.info.metadata["left_out"].append(f"{id}: {getattr(error, 'strerror', None) or error}")
                continue
            yield id, {"id": id, "image": image, "text": text}


def transcripts(content: str) -> dict[str, str]:
    """Text of each line by its id, of `ascii/lines.txt`; the bars between words are spaces."""
    found = {}
    for line in content.splitlines():
        fields = line.split(" ", 8)
        if not line.startswith("#") and len(fields) == 9:
            found[fields[0]] = " ".join(fields[8].replace("|", " ").split())
    return found


def load(source: Source) -> Dataset:
    """Loads the lines in the Aachen splits.

    Args:
      source: Its `manual_dir` holds the unpacked files; nothing is drawn, so the seed is not used.

    Returns:
      Examples `{"id": string[], "input": string[] PNG, "target": string[]}`; `left_out` says which images could not be
      read.

    Raises:
      RunError: The files are not there.

    Source:
      Marti and Bunke 2002; Puigcerver 2017 (the lists, 6,161 / 966 / 2,915 lines).
    """
    place = archives.find_all(archives.manual_dir(source), "iam_lines", tuple(LISTS))
    if place is None or not (place[0].parent / "lines").is_dir():
        raise RunError(
            f"IAM is not here; register at {HOME}, fetch the lists from {LISTS_HOME}, unpack {LAYOUT} into a folder "
            "FOLDER and add `--manual-dir FOLDER`."
        )
    builder = archives.prepare(IamLines, place[0], url=HOME, name=tuple(LISTS))
    lines = {
        split: sorted(
            (
                Line(row["id"].decode(), row["image"], row["text"].decode())
                for row in tfds.as_numpy(builder.as_dataset(split=split))
            ),
            key=lambda line: line.id,
        )
        for split in ("train", "val", "test")
    }
    digest = hashlib.sha256(" ".join(line.id for split in lines for line in lines[split]).encode())
    return Dataset(
        name="IAM handwriting, lines",
        version=str(builder.version),
        origin="real",
        input=INPUT,
        target=TARGET,
        splits={split: as_dataset(part) for split, part in lines.items()},
        sizes={split: len(part) for split, part in lines.items()},
        fingerprint=digest.hexdigest()[:16],
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
        left_out=tuple(builder.info.metadata["left_out"]),
    )
