"""Files with bytes changed, lost, doubled and put in: a report or an answer, and never anything else."""

from __future__ import annotations

import gzip
import io
import json
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo.data_check import check
from zoo.datasets import own
from zoo.types import BadData, Spec, UsageError

FILES = 1_000  # of each format
SECONDS = 20  # for one of them
MOST_MEMORY = 2**20  # KiB that all of them may take together
IMAGE = Spec(name="image", kind="image", shape=(), dtype="string", axes=())
Change = tuple[str, float, int, int]
change = st.tuples(
    st.sampled_from(["flip", "set", "cut", "drop", "double", "insert"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 255),
    st.integers(1, 64),
)


def changed(content: bytes, changes: list[Change]) -> bytes:
    for kind, where, byte, count in changes:
        at = int(where * len(content))
        before, here, behind = content[:at], content[at : at + 1], content[at + 1 :]
        if kind == "flip":
            content = before + bytes([each ^ (1 << byte % 8) for each in here]) + behind
        elif kind == "set":
            content = before + bytes([byte]) * min(count, 4) + content[at + min(count, 4) :]
        elif kind == "cut":
            content = before
        elif kind == "drop":
            content = before + content[at + count :]
        elif kind == "double":
            content = content[: at + count] + content[at:]
        else:
            content = before + bytes([byte]) * count + content[at:]
    return content


def sound(container: str, subtype: str | None = None, number: int = 0) -> bytes:
    made = io.BytesIO()
    wave = 0.3 * np.sin(np.arange(1600) * (0.4 + 0.1 * number)) * np.hanning(1600)
    soundfile.write(made, wave, 8000, format=container, subtype=subtype)
    return made.getvalue()


def picture(number: int = 0) -> bytes:
    made = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 255, (20, 60), dtype=np.uint8)).save(made, "PNG")
    return made.getvalue()


def rows(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


TEXTS = rows("text,label", *(f"{'good' if i % 2 else 'bad'} film number {i},{i % 2}" for i in range(24)))
PAIRS = rows("source\ttarget", *(f"a man {i}\tein Mann {i}" for i in range(24)))
CLIPS = rows("path,label,group", *(f"{i}.wav,{'yes' if i % 2 else 'no'},{i}" for i in range(24)))
SERIES = rows("date,north,south", *(f"2024-01-{1 + i // 24:02} {i % 24:02}:00,{i % 7}.5,{i % 5}" for i in range(200)))
LONG = rows(
    "series,time,value", *(f"s{i % 2},2024-01-{1 + i // 48:02} {i // 2 % 24:02}:00,{i % 7}" for i in range(400))
)
INK = rows(*(json.dumps({"strokes": [[[i, 0], [3, i]], [[0, 4], [7, 4]]], "label": "tx"[i % 2]}) for i in range(24)))


def beside(folder: Path, name: str, content: bytes, column: str, write: Callable[[int], bytes]) -> Path:
    """A list of one changed file among whole ones."""
    (folder / name).write_bytes(content)
    lines = [f"{i}{Path(name).suffix},{'yes' if i % 2 else 'no'}" for i in range(12)]
    if not (folder / "list.csv").exists():
        for i, line in enumerate(lines):
            (folder / line.partition(",")[0]).write_bytes(write(i + 1))
    (folder / "list.csv").write_bytes(rows(f"path,{column}", *lines, f"{name},no"))
    return folder / "list.csv"


def audio(folder: Path, content: bytes, container: str) -> object:
    def write(number: int) -> bytes:
        return sound(container.upper(), number=number)

    return check("spoken_digits", data=beside(folder, f"it.{container}", content, "label", write))


def clips(folder: Path, content: bytes) -> object:
    for i in range(24):
        if not (folder / f"{i}.wav").exists():
            (folder / f"{i}.wav").write_bytes(sound("WAV", number=i))
    return table(folder, content, "spoken_digits", "clips.csv")


def images(folder: Path, content: bytes) -> object:
    dataset = own.load(beside(folder, "it.png", content, "text", picture), IMAGE, "transcription")
    return [list(split.as_numpy_iterator()) for split in dataset.splits.values()]


def table(folder: Path, content: bytes, recipe: str, name: str, **options: int) -> object:
    (folder / name).write_bytes(content)
    return check(recipe, data=folder / name, **options)


SHORT = {"look_back": 24, "horizon": 4}
FORMATS: dict[str, tuple[bytes, Callable[[Path, bytes], object]]] = {
    "wav": (sound("WAV"), lambda folder, new: audio(folder, new, "wav")),
    "wav, 24 bits": (sound("WAV", "PCM_24"), lambda folder, new: audio(folder, new, "wav")),
    "flac": (sound("FLAC"), lambda folder, new: audio(folder, new, "flac")),
    "ogg": (sound("OGG"), lambda folder, new: audio(folder, new, "ogg")),
    "mp3": (sound("MP3"), lambda folder, new: audio(folder, new, "mp3")),
    "png": (picture(), images),
    "list of clips": (CLIPS, clips),
    "texts": (TEXTS, lambda folder, new: table(folder, new, "sst2", "texts.csv")),
    "pairs": (PAIRS, lambda folder, new: table(folder, new, "multi30k", "pairs.tsv")),
    "wide series": (SERIES, lambda folder, new: table(folder, new, "ett", "series.csv", **SHORT)),
    "long series": (LONG, lambda folder, new: table(folder, new, "electricity", "series.csv", **SHORT)),
    "ink": (INK, lambda folder, new: table(folder, new, "pen_digits", "ink.jsonl")),
    "packed ink": (gzip.compress(INK), lambda folder, new: table(folder, new, "pen_digits", "ink.jsonl.gz")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_thousand_changed_files_give_a_report_or_an_answer(name: str, tmp_path_factory: pytest.TempPathFactory):
    content, use = FORMATS[name]
    folder = tmp_path_factory.mktemp("files")
    assert getattr(use(folder, content), "ok", True)
    before, ended = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, {"read": 0, "refused": 0}

    @settings(
        max_examples=FILES, deadline=SECONDS * 1000, database=None, derandomize=True, suppress_health_check=HealthCheck
    )
    @given(st.lists(change, min_size=1, max_size=6))
    def once(changes: list[Change]) -> None:
        try:
            report = use(folder, changed(content, changes))
        except (BadData, UsageError):
            ended["refused"] += 1
        else:
            ended["read" if getattr(report, "ok", True) else "refused"] += 1

    once()
    assert ended["refused"] > 0  # of what carries a checksum, all are
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_MEMORY
