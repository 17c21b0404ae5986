"""IAM-OnDB: lines of English written on a whiteboard, as strokes; 12,195 lines of the writer-free task."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import archives
from zoo.datasets.ink import INPUT, TEXT, Ink, as_dataset, points_of
from zoo.types import Dataset, RunError, Source

LISTS = {"trainset.txt": "train", "testset_v.txt": "val", "testset_t.txt": "val", "testset_f.txt": "test"}
HOME = "https://fki.tic.heia-fr.ch/databases/iam-on-line-handwriting-database"
LICENCE = "research only, by registration"
CITATION = (
    "Liwicki, M. and Bunke, H. (2005). IAM-OnDB - an On-Line English Sentence Database Acquired from Handwritten Text "
    "on a Whiteboard. ICDAR 2005, pages 956-961. https://doi.org/10.1109/ICDAR.2005.132"
)
LAYOUT = "lineStrokes/, ascii/ and the lists trainset.txt, testset_v.txt, testset_t.txt and testset_f.txt"
LEAST_POINTS = 2  # for each character, less is a line that was cut


class IamOnline(tfds.core.GeneratorBasedBuilder):
    """TFDS builder over the unpacked files as they are distributed; `load` is what the zoo uses."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "The lists of the writer-independent task."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Register at {HOME} and unpack {LAYOUT} into the manual folder."

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "id": tfds.features.Text(),
            "points": tfds.features.Tensor(shape=(None, 3), dtype=np.float32),
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
        forms: dict[str, list[str]] = {"train": [], "val": [], "test": []}
        for name, split in LISTS.items():
            forms[split] += (folder / name).read_text().split()
        return {split: self._generate_examples(folder, names) for split, names in forms.items()}

    def _generate_examples(self, folder: Path, forms: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for form in dict.fromkeys(forms):
            for id, points, text in lines(folder, form, self.info.metadata["left_out"]):
                yield id, {"id": id, "points": points, "text": text}


def lines(folder: Path, form: str, left_out: list[str]) -> Iterator[tuple[str, np.ndarray, str]]:
    """Id, points float32[point, 3] and text of each line of a form.

    Args:
      folder: With `lineStrokes/a01/a01-000/a01-000u-01.xml`, ... and `ascii/a01/a01-000/a01-000u.txt`, ...
      form: Such as "a01-000u".
      left_out: Gets a reason for each line that cannot be used: no transcript, no strokes, strokes that cannot be read,
        or so few points that the text cannot be theirs.
    """
    place = f"{form.split('-')[0]}/{form.rstrip('abcdefghijklmnopqrstuvwxyz')}"
    try:
        texts = transcript((folder / "ascii" / place / f"{form}.txt").read_text(errors="replace"))
    except OSError as error:
        left_out.append(f"{form}: no transcript ({error.strerror})")
        return
    files = {file.stem: file for file in sorted((folder / "lineStrokes" / place).glob(f"{form}-*.xml"))}
    wanted = {f"{form}-{number:02d}": text for number, text in enumerate(texts, 1)}
    left_out += [f"{id}: strokes without a line in the transcript" for id in files if id not in wanted]
    for id, text in wanted.items():
        if id not in files:
            left_out.append(f"{id}: no strokes for {text!r}")
            continue
        try:
            points = points_of(strokes(files[id].read_bytes()))
        except (ValueError, ElementTree.ParseError) as error:
            left_out.append(f"{id}: its strokes cannot be read ({error})")
            continue
        if len(points) < LEAST_POINTS * len(text):
            left_out.append(f"{id}: {len(points)} points cannot be {text!r}")
        elif not text:
            left_out.append(f"{id}: its line in the transcript is empty")
        else:
            yield id, points, text


def transcript(content: str) -> list[str]:
    """The corrected lines of a form: what stands below `CSR:` in its text file, without the empty lines around."""
    _, _, corrected = content.partition("CSR:")
    return [" ".join(line.split()) for line in corrected.strip().splitlines()]


def strokes(content: bytes) -> list[list[list[float]]]:
    """Strokes `[[[x, y], ...], ...]` of a whiteboard session in XML, in the order written; empty ones are left out.

    Raises:
      ElementTree.ParseError: It is no XML.
      ValueError: A point has no place.
    """
    found = []
    for stroke in ElementTree.fromstring(content).iter("Stroke"):
        try:
            points = [[float(point.attrib["x"]), float(point.attrib["y"])] for point in stroke.iter("Point")]
        except KeyError as error:
            raise ValueError(f"a point has no {error}") from None
        if points:
            found.append(points)
    return found


def load(source: Source) -> Dataset:
    """Loads the lines in the splits of the writer-independent task; the two validation lists are one.

    Args:
      source: Its `manual_dir` holds the unpacked files; nothing is drawn, so the seed is not used.

    Returns:
      Examples `{"id": string[], "input": float32[point, 3], "target": string[]}`; `left_out` says which lines were not
      used, and why.

    Raises:
      RunError: The files are not there.

    Source:
      Liwicki and Bunke 2005; Carbune et al. 2020, section 4.1 (these lists).
    """
    folder = archives.manual_dir(source)
    place = archives.find_all(folder, "iam_online", tuple(LISTS))
    if place is None or not (place[0].parent / "lineStrokes").is_dir() or not (place[0].parent / "ascii").is_dir():
        raise RunError(
            f"IAM-OnDB is not here; register at {HOME}, unpack {LAYOUT} into a folder FOLDER and add "
            "`--manual-dir FOLDER`."
        )
    builder = archives.prepare(IamOnline, place[0], url=HOME, name=tuple(LISTS))
    inks = {
        split: sorted(
            (
                Ink(row["id"].decode(), row["points"], row["text"].decode())
                for row in tfds.as_numpy(builder.as_dataset(split=split))
            ),
            key=lambda ink: ink.id,
        )
        for split in ("train", "val", "test")
    }
    digest = hashlib.sha256(" ".join(ink.id for split in inks for ink in inks[split]).encode())
    return Dataset(
        name="IAM-OnDB",
        version=str(builder.version),
        origin="real",
        input=INPUT,
        target=TEXT,
        splits={split: as_dataset(part) for split, part in inks.items()},
        sizes={split: len(part) for split, part in inks.items()},
        fingerprint=digest.hexdigest()[:16],
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
        left_out=tuple(builder.info.metadata["left_out"]),
    )
