"""Multi30k, on small files laid out as the publisher's and on the publisher's own."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from zoo.datasets import archives, multi30k
from zoo.types import RunError, Source, UsageError

ROWS = {
    "train": [("Two men .", "Zwei M\u00e4nner ."), ("A dog\u2028runs", "Ein Hund l\u00e4uft "), ("Snow", "Schnee")],
    "val": [("A cat", "Eine Katze"), ("Tea", "Tee")],
    "test_2016_flickr": [("A child", "Ein Kind"), ('A "big" tree', "Ein \u201egro\u00dfer\u201c Baum")],
    "test_2017_flickr": [("Rain", "Regen")],
}
NAMES = tuple(f"{split}.{language}.gz" for split in ROWS for language in ("en", "de"))
FIRST = NAMES[:6]  # all but those of the test of 2017


def write_lines(path: Path, lines: list[str], level: int = 9) -> Path:
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), level, mtime=level))
    return path


def write_files(folder: Path, level: int = 9) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split, rows in ROWS.items():
        for language, lines in zip(("en", "de"), zip(*rows, strict=True), strict=True):
            write_lines(folder / f"{split}.{language}.gz", list(lines), level)
    return folder


def sums(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256(gzip.decompress((folder / name).read_bytes())).hexdigest() for name in NAMES}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZOO_MANUAL_DIR", raising=False)
    path = write_files(tmp_path / "manual")
    monkeypatch.setattr(multi30k, "CHECKSUMS", sums(path))
    return path


@pytest.fixture
def unreachable(monkeypatch) -> str:
    url = "http://127.0.0.1:9/raw"  # the discard port, where nothing listens
    monkeypatch.setattr(multi30k, "URL", url)
    return url


def read(dataset, split: str) -> list[dict[str, bytes]]:
    return list(dataset.splits[split].as_numpy_iterator())


def examples(split: str) -> list[dict[str, bytes]]:
    return [
        {"id": f"{split}-{number:06d}".encode(), "input": source.encode(), "target": target.encode()}
        for number, (source, target) in enumerate(ROWS[split])
    ]


def test_splits_and_examples(folder, unreachable, untouched):
    for name in NAMES[6:]:
        (folder / name).unlink()  # not needed where the test of 2017 is not wanted
    with untouched(folder):
        dataset = multi30k.load(Source(manual_dir=folder))
    assert dict(dataset.sizes) == {"train": 3, "val": 2, "test": 2}
    assert read(dataset, "train") == examples("train")
    assert read(dataset, "val") == examples("val")
    assert read(dataset, "test") == examples("test_2016_flickr")
    for spec in (dataset.input, dataset.target):
        assert (spec.kind, spec.shape, spec.dtype, spec.axes) == ("text", (), "string", ())
    assert (dataset.input.name, dataset.target.name) == ("text", "translation")
    assert (dataset.version, dataset.origin, dataset.tests) == ("1.0.0", "real", ("test",))
    assert "non-commercial research" in dataset.licence
    assert "Elliott" in dataset.citation and "W16-3210" in dataset.citation
    assert multi30k.load(Source(seed=3)).fingerprint == dataset.fingerprint  # prepared by now, so no file is needed


def test_one_test_is_test_and_two_have_their_names(folder, unreachable):
    loaded = {test: multi30k.load(Source(manual_dir=folder), test=test) for test in ("2016", "2017", "both")}
    assert loaded["2017"].tests == ("test",)
    assert read(loaded["2017"], "test") == examples("test_2017_flickr")
    both = loaded["both"]
    assert dict(both.sizes) == {"train": 3, "val": 2, "test_2016_flickr": 2, "test_2017_flickr": 1}
    assert both.tests == ("test_2016_flickr", "test_2017_flickr")
    assert {split: read(both, split) for split in both.splits} == {split: examples(split) for split in ROWS}
    assert len({dataset.fingerprint for dataset in loaded.values()}) == 3
    with pytest.raises(UsageError, match=r"there is no `test` 2018; give one of 2016, 2017, both\."):
        multi30k.load(Source(), test="2018")


def test_files_are_found_in_the_environment_and_in_a_subfolder_and_are_not_touched(
    folder, unreachable, monkeypatch, untouched
):
    parent = folder.parent / "archives"
    write_files(parent / "multi30k")
    shutil.copy(folder / "val.de.gz", parent)  # one of six is not enough
    monkeypatch.setenv("ZOO_MANUAL_DIR", str(parent))
    with untouched(parent):
        assert multi30k.load(Source()).sizes["test"] == 2


def test_files_packed_anew_are_the_publishers_too(folder, unreachable):
    before = (folder / "train.en.gz").read_bytes()
    write_files(folder, level=1)
    assert (folder / "train.en.gz").read_bytes() != before
    assert multi30k.load(Source(manual_dir=folder)).sizes["train"] == 3


@pytest.mark.parametrize("name", FIRST)
def test_wrong_file_is_refused_with_both_sums(folder, name):
    write_lines(folder / name, ["not this"])
    found, expected = hashlib.sha256(b"not this\n").hexdigest(), multi30k.CHECKSUMS[name]
    said = (
        f"`{folder / name}` is not the publisher's file: "
        f"its SHA-256, unpacked, is {found}, expected {expected}; fetch it again"
    )
    with pytest.raises(UsageError, match=said):
        multi30k.load(Source(manual_dir=folder))
    assert (folder / name).is_file()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-9], "Compressed file ended before the end-of-stream marker was reached"),
        (lambda content: b"Two men .\n", r"Not a gzipped file \(b'Tw'\)"),
        (
            lambda content: content[:12] + b"\xff" * 9 + content[21:],
            "(Error -3 while decompressing data: .*|CRC check failed)",
        ),
    ],
)
def test_damaged_file_is_refused(folder, damage, reason):
    file = folder / "val.de.gz"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UsageError, match=rf"^`{file}` is no whole gzip file \({reason}\); fetch it again\.$"):
        multi30k.load(Source(manual_dir=folder))


def test_a_sentence_without_its_translation_is_refused(folder, monkeypatch):
    write_lines(folder / "val.de.gz", ["Eine Katze"])
    monkeypatch.setattr(multi30k, "CHECKSUMS", sums(folder))
    said = (
        r"`val\.en\.gz` has 2 lines and `val\.de\.gz` 1, "
        r"but each line must have its translation in the same place; fetch both again\."
    )
    with pytest.raises(UsageError, match=said):
        multi30k.load(Source(manual_dir=folder))


def test_without_files_and_network_one_line_says_what_to_do(folder, unreachable):
    (folder / "val.en.gz").unlink()
    start = time.monotonic()
    for source in (Source(), Source(manual_dir=folder)):
        said = f"{', '.join(f'`{name}`' for name in FIRST)} are not all here and {unreachable} cannot be fetched"
        with pytest.raises(RunError, match=said) as caught:
            multi30k.load(source)
        assert "put those files into a folder FOLDER and add `--manual-dir FOLDER`" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 5


@pytest.fixture
def server(folder, monkeypatch):
    """Serves the files over HTTP at `multi30k.URL`."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setattr(multi30k, "URL", f"http://127.0.0.1:{running.server_port}")
        yield running
        running.shutdown()


def test_files_are_downloaded_and_a_wrong_download_is_not_kept(server, folder):
    right = (folder / "test_2016_flickr.de.gz").read_bytes()
    (folder / "test_2016_flickr.de.gz").write_bytes(right[:10])
    with pytest.raises(UsageError, match="is no whole gzip file"):
        multi30k.load(Source())
    (folder / "test_2016_flickr.de.gz").write_bytes(right)
    assert dict(multi30k.load(Source()).sizes) == {"train": 3, "val": 2, "test": 2}


def publishers_folder() -> Path | None:
    folders = [os.environ.get("ZOO_MANUAL_DIR"), Path(__file__).parents[2] / "shared" / "data" / "multi30k"]
    return next((Path(place) for place in folders if place and archives.find_all(Path(place), "multi30k", NAMES)), None)


PUBLISHED = publishers_folder()  # the tests take ZOO_MANUAL_DIR away before they run


@pytest.mark.slow
@pytest.mark.skipif(PUBLISHED is None, reason="no files of Multi30k in ZOO_MANUAL_DIR or ../shared/data/multi30k")
def test_the_publishers_files(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    dataset = multi30k.load(Source(manual_dir=PUBLISHED), test="both")
    assert dict(dataset.sizes) == {"train": 29000, "val": 1014, "test_2016_flickr": 1000, "test_2017_flickr": 1000}
    train = read(dataset, "train")
    assert train[0] == {
        "id": b"train-000000",
        "input": b"Two young, White males are outside near many bushes.",
        "target": "Zwei junge wei\u00dfe M\u00e4nner sind im Freien in der N\u00e4he vieler B\u00fcsche.".encode(),
    }
    assert [example["id"].decode() for example in train] == [f"train-{number:06d}" for number in range(29000)]
    every = [example for split in dataset.splits for example in read(dataset, split)]
    assert all(example["input"].strip() and example["target"].strip() for example in every)
