"""UCI's pen digits as the pen wrote them: 10,992 digits by 44 writers on a tablet, with their original trajectories."""

from __future__ import annotations

import gzip
import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds
import uncompresspy

from zoo.datasets import archives
from zoo.datasets.clips import target_spec
from zoo.datasets.ink import INPUT, Ink, as_dataset, points_of
from zoo.types import Dataset, Source, UsageError

ARCHIVE = "pen+based+recognition+of+handwritten+digits.zip"
URL = f"https://archive.ics.uci.edu/static/public/81/{ARCHIVE}"
FILES = {"train": "pendigits-orig.tra", "test": "pendigits-orig.tes"}
PACKED = ("", ".Z", ".gz")  # the files stand as .Z in the archive
CHECKSUMS = {  # SHA-256 of each file, unpacked
    "train": "a66225d68d7d68591e62944df1ad33b3f5aa608e2df2505844b41f5568a80da4",
    "test": "ddb1c19e277a56c7ffe682cc024d6ab73696f9adcc1643ef9ed5aa753007e081",
}
HOME = "https://archive.ics.uci.edu/dataset/81/pen+based+recognition+of+handwritten+digits"
LICENCE = "CC BY 4.0"
CITATION = (
    "Alpaydin, E. and Alimoglu, F. (1996). Pen-Based Recognition of Handwritten Digits. UCI Machine Learning "
    "Repository. https://doi.org/10.24432/C5MG6K"
)
DIGITS = tuple(str(digit) for digit in range(10))
WRITERS, FOLDS = 30, 10  # of the publisher's train file; its test file is by 14 others
HEIGHT = 500  # of the tablet, whose y grows upwards


class PenDigits(tfds.core.GeneratorBasedBuilder):
    """TFDS builder with the publisher's own splits; `load` is what the zoo uses."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "Original trajectories, 7,494 / 3,498 digits."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Put {ARCHIVE} from {URL} into the manual folder, or {' and '.join(FILES.values())} from it, each plain or "
        "packed as .Z or .gz; without them, the archive is downloaded."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "number": np.int64,
            "points": tfds.features.Tensor(shape=INPUT.shape, dtype=np.float32),
            "label": tfds.features.ClassLabel(names=list(DIGITS)),
            "writer": np.int64,
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=__doc__,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("points", "label"),
            homepage=HOME,
            license=LICENCE,
            citation=CITATION,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        try:
            given = find(Path(dl_manager.manual_dir))
        except AssertionError:  # how TFDS says that there is no such folder or nothing in it
            given = []
        files = given or [Path(dl_manager.download(URL))]
        try:
            texts = {split: read(files, split) for split in FILES}
        except UsageError:
            if not given:
                archives.forget_download(files[0])
            raise
        return {split: self._generate_examples(text) for split, text in texts.items()}

    def _generate_examples(self, text: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, (points, label, writer) in enumerate(segments(text)):
            yield number, {"number": number, "points": points, "label": label, "writer": writer}


def find(folder: Path | None) -> list[Path]:
    """The files of train and test, packed or not, or the publisher's archive, in a folder or its `pendigits`."""
    for place in (folder, folder / "pendigits") if folder else ():
        files = [archives.find(place, "", tuple(f"{name}{kind}" for kind in PACKED)) for name in FILES.values()]
        if all(files):
            return files
        if (place / ARCHIVE).is_file():
            return [place / ARCHIVE]
    return []


def read(files: Sequence[Path], split: str) -> str:
    """The text of a split, from its own file or from the publisher's archive.

    Args:
      files: As `find` gives them, or the archive under any name.
      split: "train" or "test".

    Raises:
      UsageError: A file cannot be unpacked, or is not the publisher's.
    """
    file = files[0] if len(files) == 1 else files[list(FILES).index(split)]
    try:
        if len(files) == 1:
            with zipfile.ZipFile(file) as archive, archive.open(f"{FILES[split]}.Z") as packed:
                content = _uncompressed(packed)
        elif file.suffix == ".Z":
            content = _uncompressed(file)
        else:
            content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, KeyError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise UsageError(f"`{file}` cannot be unpacked ({error}); fetch it again.") from None
    archives.verify_content(file, content, f"the SHA-256 of {FILES[split]}, unpacked,", CHECKSUMS[split])
    return content.decode("ascii")


def _uncompressed(file: Path | IO[bytes]) -> bytes:
    """What is in a .Z file; what is missing of one cut short, the checksum tells."""
    with uncompresspy.open(file, warn_truncation=False) as content:
        return content.read()


def segments(text: str) -> Iterator[tuple[np.ndarray, int, int]]:
    """Points float32[point, 3], digit and writer of each segment of a UNIPEN text, in its order.

    Each begins with `.SEGMENT DIGIT ... ? "digit"` and `.COMMENT digit writer number`; strokes stand between
    `.PEN_DOWN` and `.PEN_UP`, a point a line.

    Source:
      Guyon et al. 1994, UNIPEN project of on-line data exchange and recognizer benchmarks.
    """
    for segment in text.split(".SEGMENT")[1:]:
        label, writer = re.search(r'"(\d)"\s+\.COMMENT\s+\d\s+(\d+)', segment).groups()
        strokes = []
        for stroke in segment.split(".PEN_DOWN")[1:]:
            rows = stroke.split(".PEN_UP")[0].split("\n")
            points = [[int(value) for value in row.split()] for row in rows if row.strip()]
            strokes.append([[x, HEIGHT - y] for x, y in points])
        yield points_of(strokes), int(label), int(writer)


def load(source: Source, *, fold: int = 8) -> Dataset:
    """Loads the data set: test is the publisher's, by 14 writers of whom train has none.

    Val is three of the 30 writers of the publisher's train file, those whose number modulo 10 is `fold`. Writers are
    very unlike: a nearest neighbour on 8 points is right on 95.1 to 99.6 % of a fold, on 97.5 % of fold 8, the median.

    Args:
      source: Where the files may lie; nothing is drawn, so the seed is not used.
      fold: Which writers are val, 0 to 9.

    Returns:
      Examples `{"id": string[], "input": float32[point, 3], "target": int64[]}` in the order of the files; ids are the
      file and the number in it ("tra-00123"). y grows downwards, as everywhere in the zoo.

    Raises:
      UsageError: There is no such fold, or a file is not the publisher's.
      RunError: The files are not there and there is no network.
    """
    if fold not in range(FOLDS):
        raise UsageError(f"`fold` must be from 0 to {FOLDS - 1}, got {fold}.")
    found = find(archives.manual_dir(source))
    builder = archives.prepare(PenDigits, found[0] if found else None, url=URL, name=ARCHIVE)
    splits: dict[str, list[Ink]] = {"train": [], "val": [], "test": []}
    writers = {}
    for split, name in FILES.items():
        rows = tfds.as_numpy(builder.as_dataset(split=split))
        for row in sorted(rows, key=lambda row: row["number"]):  # whatever order TFDS wrote them in
            ink = Ink(f"{name[-3:]}-{row['number']:05d}", row["points"], int(row["label"]))
            writers[ink.id] = str(row["writer"])
            splits["val" if split == "train" and row["writer"] % FOLDS == fold else split].append(ink)
    return Dataset(
        name="Pen-Based Recognition of Handwritten Digits",
        version=str(builder.version),
        origin="real",
        input=INPUT,
        target=target_spec(DIGITS),
        splits={split: as_dataset(inks) for split, inks in splits.items()},
        sizes={split: len(inks) for split, inks in splits.items()},
        fingerprint=hashlib.sha256(f"{' '.join(CHECKSUMS.values())} {fold}".encode()).hexdigest()[:16],
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
        grouped_by="writer",
        group_of=writers.__getitem__,
    )
