"""LibriSpeech, on small archives laid out as the publisher's."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from zoo.datasets import librispeech
from zoo.datasets.librispeech import CHECKSUMS
from zoo.types import RunError, Source, UsageError

CHAPTERS = {"train-clean-100": [(103, 1240), (19, 198)], "dev-clean": [(84, 121123)]}
CHAPTERS |= {"test-clean": [(61, 70968)], "test-other": [(1688, 142285)]}


def samples(speaker: int, number: int) -> np.ndarray:
    return np.array([speaker, number, -32768, 32767] * 40, np.int16)


def text(speaker: int, number: int) -> str:
    return f"READER {speaker} SAID IT'S LINE {number}"


def write(folder: Path, part: str, numbers: int = 3, last: str = "") -> None:
    """The texts of a chapter stand before its sound in one archive and behind it in the others, as they do there."""
    members = [("SPEAKERS.TXT", b"; who"), ("README.TXT", b"read")]
    for speaker, chapter in CHAPTERS[part]:
        base = f"{part}/{speaker}/{chapter}"
        names = [f"{speaker}-{chapter}-{number:04d}" for number in range(numbers)]
        lines = "".join(f"{name} {text(speaker, number)}\n" for number, name in enumerate(names)) + last
        here = []
        for number, name in enumerate(names):
            file = io.BytesIO()
            soundfile.write(file, samples(speaker, number), 16_000, format="FLAC", subtype="PCM_16")
            here.append((f"{base}/{name}.flac", file.getvalue()))
        here.insert(0 if part == "dev-clean" else len(here), (f"{base}/{speaker}-{chapter}.trans.txt", lines.encode()))
        members += here
    with tarfile.open(folder / f"{part}.tar.gz", "w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(f"LibriSpeech/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZOO_MANUAL_DIR", raising=False)
    monkeypatch.setattr(librispeech, "URL", "http://127.0.0.1:9/resources/12")  # where nothing listens
    (tmp_path / "manual" / "librispeech").mkdir(parents=True)
    for part in CHAPTERS:
        write(tmp_path / "manual" / "librispeech", part)
    accept(tmp_path / "manual" / "librispeech", monkeypatch)
    return Source(manual_dir=tmp_path / "manual")


def accept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CHECKSUMS:
        monkeypatch.setitem(CHECKSUMS, name, hashlib.sha256((folder / name).read_bytes()).hexdigest())


def test_splits_are_the_publishers(source: Source, untouched):
    with untouched(source.manual_dir):
        dataset = librispeech.load(source)
    assert dict(dataset.sizes) == {"train": 6, "val": 3, "test_clean": 3, "test_other": 3}
    assert dataset.tests == ("test_clean", "test_other")
    for split, part in zip(dataset.splits, CHAPTERS, strict=True):
        rows = list(dataset.splits[split].as_numpy_iterator())
        names = [f"{speaker}-{chapter}-{number:04d}" for speaker, chapter in CHAPTERS[part] for number in range(3)]
        assert sorted(row["id"].decode() for row in rows) == sorted(names)
        for row in rows:
            speaker, _, number = map(int, row["id"].decode().split("-"))
            assert (dataset.grouped_by, dataset.group_of(row["id"].decode())) == ("speaker", str(speaker))
            assert row["input"].dtype == np.float32
            np.testing.assert_array_equal(row["input"] * 32768, samples(speaker, number))
            assert row["target"].decode() == text(speaker, number)
    assert [row["id"] for row in dataset.splits["train"].as_numpy_iterator()] == [
        row["id"] for row in dataset.splits["train"].as_numpy_iterator()
    ]


def test_archives_that_are_missing_are_named(source: Source):
    (source.manual_dir / "librispeech" / "dev-clean.tar.gz").unlink()
    message = "`dev-clean.tar.gz`, `test-clean.tar.gz`, `test-other.tar.gz` are not all here and http://127.0.0.1:9/"
    with pytest.raises(RunError, match=message):
        librispeech.load(source)


def test_another_archive_is_refused(source: Source, monkeypatch):
    monkeypatch.setitem(CHECKSUMS, "test-other.tar.gz", "0" * 64)
    with pytest.raises(
        UsageError, match=r"test-other.tar.gz` is not the publisher's file: its SHA-256 is [0-9a-f]{64}"
    ):
        librispeech.load(source)


def test_sound_without_a_text_is_refused(source: Source, monkeypatch):
    folder = source.manual_dir / "librispeech"
    with tarfile.open(folder / "dev-clean.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("LibriSpeech/dev-clean/84/121123/84-121123-0000.flac")
        tar.addfile(member, io.BytesIO(b""))
    accept(folder, monkeypatch)
    with pytest.raises(UsageError, match=r"dev-clean.tar.gz` has no transcript of 84-121123-0000.flac; fetch it again"):
        librispeech.load(source)


def test_a_line_that_is_no_transcript_is_refused(source: Source, monkeypatch):
    folder = source.manual_dir / "librispeech"
    write(folder, "dev-clean", last="84-121123-0009\n")
    accept(folder, monkeypatch)
    with pytest.raises(UsageError, match=r"line 4 of 84-121123.trans.txt is not `name TEXT`: '84-121123-0009'"):
        librispeech.load(source)
