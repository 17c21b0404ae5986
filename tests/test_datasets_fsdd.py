"""The Free Spoken Digit Dataset, on a small archive laid out as the publisher's and on the publisher's own."""

from __future__ import annotations

import functools
import http.server
import io
import os
import tarfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from zoo.datasets import archives, fsdd
from zoo.types import RunError, Source, UsageError

NAME = "free-spoken-digit-dataset-1.0.10.tar.gz"
INDICES = (*range(7), *range(44, 50))


def recording(digit: int, speaker: str, index: int) -> np.ndarray:
    """int16[sample] that tells which recording it is."""
    return np.array([digit, fsdd.SPEAKERS.index(speaker), index, -32768, 32767], np.int16)


def write_archive(path: Path) -> Path:
    """Two digits, all six speakers, in an order of no meaning."""
    names = [(digit, speaker, index) for index in INDICES for speaker in fsdd.SPEAKERS for digit in (7, 3)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for digit, speaker, index in names:
            file = io.BytesIO()
            soundfile.write(file, recording(digit, speaker, index), 8000, format="WAV", subtype="PCM_16")
            add(tar, f"recordings/{digit}_{speaker}_{index}.wav", file.getvalue())
        add(tar, "README.md", b"# Free Spoken Digit Dataset")
    return path


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(f"free-spoken-digit-dataset-1.0.10/{name}")
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


@pytest.fixture
def archive(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZOO_MANUAL_DIR", raising=False)
    path = write_archive(tmp_path / "manual" / NAME)
    monkeypatch.setattr(fsdd, "CHECKSUM", archives.content_checksum(path, ".wav"))
    return path


@pytest.fixture
def unreachable(monkeypatch) -> str:
    url = "http://127.0.0.1:9/archive/v1.0.10.tar.gz"  # the discard port, where nothing listens
    monkeypatch.setattr(fsdd, "URL", url)
    return url


def ids(dataset, split: str) -> list[str]:
    return [example["id"].decode() for example in dataset.splits[split].as_numpy_iterator()]


def test_official_split_and_examples(archive, unreachable, untouched):
    with untouched(archive.parent):
        dataset = fsdd.load(Source(manual_dir=archive.parent))
    assert dict(dataset.sizes) == {"train": 36, "val": 60, "test": 60}
    for split, indices in {"train": (5, 6, 44), "val": range(45, 50), "test": range(5)}.items():
        names = [f"{d}_{speaker}_{i}.wav" for d in (3, 7) for speaker in fsdd.SPEAKERS for i in indices]
        assert ids(dataset, split) == sorted(names)
    for example in dataset.splits["test"].as_numpy_iterator():
        digit, speaker, index = example["id"].decode().removesuffix(".wav").split("_")
        assert example["input"].dtype == np.float32
        assert example["target"].dtype == np.int64
        assert int(example["target"]) == int(digit)
        np.testing.assert_array_equal(example["input"] * 32768, recording(int(digit), speaker, int(index)))
    assert dataset.target.classes == tuple("0123456789")
    assert (dataset.version, dataset.licence, dataset.origin) == ("1.0.10", "CC BY-SA 4.0", "real")
    assert "10.5281/zenodo.1342401" in dataset.citation


def test_one_speaker_held_out(archive):
    dataset = fsdd.load(Source(manual_dir=archive.parent), speaker="theo")
    assert dict(dataset.sizes) == {"train": 2 * 5 * 8, "val": 2 * 5 * 5, "test": 2 * 13}
    assert {name.split("_")[1] for name in ids(dataset, "test")} == {"theo"}
    assert (dataset.grouped_by, set(map(dataset.group_of, ids(dataset, "test")))) == ("speaker", {"theo"})
    for split, indices in {"train": (*range(7), 44), "val": range(45, 50)}.items():
        assert {name.split("_")[1] for name in ids(dataset, split)} == set(fsdd.SPEAKERS) - {"theo"}
        assert {int(name.split("_")[2][:-4]) for name in ids(dataset, split)} == set(indices)
    official = fsdd.load(Source())  # prepared by now, so no archive is needed
    assert official.fingerprint != dataset.fingerprint
    assert official.fingerprint == fsdd.load(Source(seed=3)).fingerprint


def test_archive_is_found_in_the_environment_and_in_a_subfolder_and_is_not_touched(
    archive, monkeypatch, capfd, untouched
):
    parent = archive.parent.parent / "archives"
    write_archive(parent / "fsdd" / "v1.0.10.tar.gz")
    monkeypatch.setenv("ZOO_MANUAL_DIR", str(parent))
    with untouched(parent):
        assert fsdd.load(Source()).sizes["test"] == 60
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "Generating" not in captured.err


def test_wrong_archive_is_refused_with_both_sums(archive, monkeypatch):
    found = archives.content_checksum(archive, ".wav")
    monkeypatch.setattr(fsdd, "CHECKSUM", "0" * 64)
    with pytest.raises(UsageError, match=f"`{archive}` is not the publisher's archive.*{found}, expected {'0' * 64}"):
        fsdd.load(Source(manual_dir=archive.parent))
    archive.write_bytes(archive.read_bytes()[:2000])
    with pytest.raises(UsageError, match="fetch it again"):
        fsdd.load(Source(manual_dir=archive.parent))
    archive.write_bytes(b"not a tar")
    with pytest.raises(UsageError, match="is no whole tar archive"):
        fsdd.load(Source(manual_dir=archive.parent))


def test_sum_does_not_depend_on_order_or_compression(archive, tmp_path):
    with tarfile.open(archive) as old, tarfile.open(tmp_path / "again.tar.xz", "w:xz") as new:
        for member in reversed(old.getmembers()):
            new.addfile(member, old.extractfile(member))
    assert archives.content_checksum(tmp_path / "again.tar.xz", ".wav") == fsdd.CHECKSUM


def test_without_archive_and_network_one_line_says_what_to_do(archive, unreachable, tmp_path):
    (tmp_path / "empty").mkdir()
    start = time.monotonic()
    for source in (Source(), Source(manual_dir=tmp_path / "empty")):
        with pytest.raises(RunError, match=f"`{NAME}` is not here and {unreachable} cannot be fetched") as caught:
            fsdd.load(source)
        assert "--manual-dir FOLDER" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 5


@pytest.fixture
def server(archive, monkeypatch):
    """Serves the archive over HTTP at `fsdd.URL`."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=archive.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setattr(fsdd, "URL", f"http://127.0.0.1:{running.server_port}/{NAME}")
        yield running
        running.shutdown()


def test_without_archive_it_is_downloaded(server):
    assert fsdd.load(Source()).sizes["train"] == 36


def test_a_wrong_download_is_refused_and_not_kept(server, archive):
    right = archive.read_bytes()
    archive.write_bytes(right[:1000])
    with pytest.raises(UsageError, match="fetch it again"):
        fsdd.load(Source())
    archive.write_bytes(right)
    assert fsdd.load(Source()).sizes["train"] == 36


def test_unknown_speaker_and_folder(archive, tmp_path):
    with pytest.raises(UsageError, match=r"one of george, jackson, .*, got `teo`; did you mean `theo`\?"):
        fsdd.load(Source(), speaker="teo")
    with pytest.raises(UsageError, match=r"must name a folder, got `.*nowhere`"):
        fsdd.load(Source(manual_dir=tmp_path / "nowhere"))


def publishers_folder() -> Path | None:
    folders = [os.environ.get("ZOO_MANUAL_DIR"), Path(__file__).parents[2] / "shared" / "data" / "fsdd"]
    return next((Path(folder) for folder in folders if folder and archives.find(Path(folder), "fsdd", (NAME,))), None)


@pytest.mark.slow
@pytest.mark.skipif(publishers_folder() is None, reason=f"no {NAME} in ZOO_MANUAL_DIR")
def test_the_publishers_archive(tmp_path, monkeypatch):
    folder = publishers_folder()
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    dataset = fsdd.load(Source(manual_dir=folder))
    assert dict(dataset.sizes) == {"train": 2400, "val": 300, "test": 300}
    held_out = fsdd.load(Source(), speaker="lucas")
    assert dict(held_out.sizes) == {"train": 2250, "val": 250, "test": 500}
    clips = [example for examples in held_out.splits.values() for example in examples.as_numpy_iterator()]
    lengths = [len(example["input"]) for example in clips]
    assert (min(lengths), max(lengths)) == (1148, 18262)
    assert all(example["id"].startswith(str(example["target"]).encode()) for example in clips)


def test_an_archive_cannot_write_outside_the_cache(archive, unreachable, monkeypatch, tmp_path):
    with tarfile.open(archive) as tar:
        members = [(member, tar.extractfile(member).read()) for member in tar]
    outside = tmp_path / "outside"
    with tarfile.open(archive, "w:gz") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
        for name in ("../../../7_theo_20.wav", f"{outside}/3_theo_20.wav", "../" * 30 + f"{outside}/3_theo_21.wav"):
            member = tarfile.TarInfo(name)
            member.size = len(members[0][1])
            tar.addfile(member, io.BytesIO(members[0][1]))
        link = tarfile.TarInfo("recordings/7_theo_22.wav")
        link.type, link.linkname = tarfile.SYMTYPE, str(outside)
        tar.addfile(link)
    with pytest.raises(UsageError, match=r"is not the publisher's archive: SHA-256 of its \*\.wav files is"):
        fsdd.load(Source(manual_dir=archive.parent))
    monkeypatch.setattr(fsdd, "CHECKSUM", archives.content_checksum(archive, ".wav"))
    assert fsdd.load(Source(manual_dir=archive.parent)).sizes["train"] == 36 + 3
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cache", "manual"]
    assert [file.name for file in archive.parent.iterdir()] == [NAME]
