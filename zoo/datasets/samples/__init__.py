"""Small data sets made by this project, shipped or made anew, so that everything works offline in a minute."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.resources
import io
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path

from zoo.datasets import own
from zoo.datasets.cache import cache_dir, discard
from zoo.types import Dataset, Spec, UsageError

SHIPPED = {"spoken_digits": "clips.csv"}  # a zip file beside this one, to what `own.load` reads in it
MADE = {  # module that makes it, to its kind and the tasks that it is for
    "carbon_dioxide": ("series", ("forecasting",)),
    "ink": ("ink", ("classification", "transcription")),
    "line_images": ("image", ("transcription",)),
    "sentiment": ("text", ("classification",)),
    "spoken_numbers": ("audio", ("transcription",)),
    "translation": ("text", ("translation",)),
}


def load(name: str, input: Spec, task: str) -> Dataset:
    """Loads a sample; one that is shipped is in the own-data format of its kind and task.

    Args:
      name: "spoken_digits": 1,000 clips of 100 synthetic voices, none of them in two splits (720 train, 100 val, 180
        test), made by `make_spoken_digits.py`. "sentiment": 4,000 sentences (3,000 train, 400 val, 600 test),
        half negative and half positive, in which the order of the words decides; made by `sentiment.py`.
        "ink": letters and digits, or short words, by 53 model hands, in `ink.py`.
        "translation": 4,700 English sentences with spoken-out numbers, dates and times in German (4,000 train, 300 val,
        400 test); made by `translation.py`. "carbon_dioxide": a real series of 2,284 weeks, in `carbon_dioxide.py`.
        "spoken_numbers": 660 utterances of three or four digits, joined from the clips of "spoken_digits".
      input: What the recipe takes.
      task: Name of the recipe's task.

    Returns:
      The data in splits, origin "sample".

    Raises:
      UsageError: There is no such sample, or it is not of this kind.
    """
    if name in MADE:
        kind, tasks = MADE[name]
        if input.kind != kind or task not in tasks:
            fits = " or ".join(tasks)
            raise UsageError(f"the sample `{name}` is {kind} {fits}, it cannot be used for {input.kind} {task}.")
        return _made(name, input, task)
    if name not in SHIPPED:
        raise UsageError(f"there is no sample `{name}`; there are: {', '.join((*SHIPPED, *MADE))}.")
    dataset = own.load(unpack(name) / SHIPPED[name], input, task)
    return dataclasses.replace(
        dataset,
        name=f"{name.replace('_', ' ')}, synthesised",
        origin="sample",
        citation="Made for this project by a synthesiser; never to be reported as a result.",
        licence="CC0 1.0",
    )


def _made(name: str, input: Spec, task: str) -> Dataset:
    make = importlib.import_module(f"{__name__}.{name}").load  # not before, for most of them load TensorFlow
    if name == "carbon_dioxide":
        return make(input)
    if name == "ink":
        return make(task)
    if name == "spoken_numbers":
        return make(input, unpack("spoken_digits") / SHIPPED["spoken_digits"])
    return make()


def unpack(name: str) -> Path:
    """The folder with a sample's files, in the cache, unpacked at the first call."""
    content = importlib.resources.files(__name__).joinpath(f"{name}.zip").read_bytes()
    folder = cache_dir() / "samples" / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
    if folder.is_dir() and not _is_sound(folder, content):
        discard(folder, "files of a sample")
    if folder.is_dir():
        return folder
    folder.parent.mkdir(exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{name}-"))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(partial)
        partial.rename(folder)  # all or nothing, also when two processes do this at once
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _is_sound(folder: Path, content: bytes) -> bool:
    """Whether the files are those of the archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return all(
            (folder / member.filename).is_file() and zlib.crc32((folder / member.filename).read_bytes()) == member.CRC
            for member in archive.infolist()
            if not member.is_dir()
        )
