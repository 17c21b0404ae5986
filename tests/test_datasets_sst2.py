"""The Stanford Sentiment Treebank, on small files laid out as the publisher's and on the publisher's own."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from zoo.datasets import archives, sst2
from zoo.types import RunError, Source, UsageError

NAMES = ("train.tsv", "dev.tsv", "test.tsv")
ROWS = {
    "train.tsv": [('a " stirring', 1), ("it is n't dull ,", 1), ("one long cliche", 0), ("fianc\u00e9 , no", 0)],
    "dev.tsv": [("warm", 1), ("no movement , no yuks", 0)],
    "test.tsv": [("a gob of drivel", 0), ("funny", 1), ("flat", 0)],
}


def write_files(folder: Path) -> Path:
    """The three files without a last line end, as the publisher's are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in ROWS.items():
        (folder / name).write_bytes("\n".join(f"{text}\t{label}" for text, label in rows).encode())
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZOO_MANUAL_DIR", raising=False)
    path = write_files(tmp_path / "manual")
    sums = {name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in NAMES}
    monkeypatch.setattr(sst2, "CHECKSUMS", sums)
    return path


@pytest.fixture
def unreachable(monkeypatch) -> str:
    url = "http://127.0.0.1:9/SST2"  # the discard port, where nothing listens
    monkeypatch.setattr(sst2, "URL", url)
    return url


def test_splits_and_examples(folder, unreachable, untouched):
    with untouched(folder):
        dataset = sst2.load(Source(manual_dir=folder))
    assert dict(dataset.sizes) == {"train": 4, "val": 2, "test": 3}
    for split, name in zip(("train", "val", "test"), NAMES, strict=True):
        for number, (text, label) in enumerate(ROWS[name]):
            example = next(dataset.splits[split].skip(number).as_numpy_iterator())
            assert example == {"id": f"{split}-{number:06d}".encode(), "input": text.encode(), "target": label}
            assert example["target"].dtype == np.int64
    assert (dataset.input.kind, dataset.input.shape, dataset.input.dtype) == ("text", (), "string")
    assert dataset.target.classes == ("negative", "positive")
    assert (dataset.version, dataset.licence, dataset.origin) == ("1.0.0", "none stated", "real")
    assert "Socher" in dataset.citation and "2013" in dataset.citation
    assert sst2.load(Source(seed=3)).fingerprint == dataset.fingerprint  # prepared by now, so no file is needed


def test_files_are_found_in_the_environment_and_in_a_subfolder_and_are_not_touched(
    folder, unreachable, monkeypatch, untouched
):
    parent = folder.parent / "archives"
    write_files(parent / "sst2")
    shutil.copy(folder / "dev.tsv", parent)  # one of three is not enough
    monkeypatch.setenv("ZOO_MANUAL_DIR", str(parent))
    with untouched(parent):
        assert sst2.load(Source()).sizes["test"] == 3


@pytest.mark.parametrize("name", NAMES)
def test_wrong_file_is_refused_with_both_sums(folder, name):
    (folder / name).write_text("not these\t1")
    found, expected = hashlib.sha256(b"not these\t1").hexdigest(), sst2.CHECKSUMS[name]
    said = f"`{folder / name}` is not the publisher's file: its SHA-256 is {found}, expected {expected}; fetch it again"
    with pytest.raises(UsageError, match=said):
        sst2.load(Source(manual_dir=folder))
    assert (folder / name).is_file()


def test_without_files_and_network_one_line_says_what_to_do(folder, unreachable):
    (folder / "dev.tsv").unlink()
    start = time.monotonic()
    for source in (Source(), Source(manual_dir=folder)):
        said = f"`train.tsv`, `dev.tsv`, `test.tsv` are not all here and {unreachable} cannot be fetched"
        with pytest.raises(RunError, match=said) as caught:
            sst2.load(source)
        assert "put those files into a folder FOLDER and add `--manual-dir FOLDER`" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 5


@pytest.fixture
def server(folder, monkeypatch):
    """Serves the files over HTTP at `sst2.URL`."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setattr(sst2, "URL", f"http://127.0.0.1:{running.server_port}")
        yield running
        running.shutdown()


def test_files_are_downloaded_and_a_wrong_download_is_not_kept(server, folder):
    right = (folder / "test.tsv").read_bytes()
    (folder / "test.tsv").write_bytes(right[:10])
    with pytest.raises(UsageError, match="is not the publisher's file"):
        sst2.load(Source())
    (folder / "test.tsv").write_bytes(right)
    assert dict(sst2.load(Source()).sizes) == {"train": 4, "val": 2, "test": 3}


def publishers_folder() -> Path | None:
    folders = [os.environ.get("ZOO_MANUAL_DIR"), Path(__file__).parents[2] / "shared" / "data" / "sst2"]
    return next((Path(place) for place in folders if place and archives.find_all(Path(place), "sst2", NAMES)), None)


PUBLISHED = publishers_folder()  # the tests take ZOO_MANUAL_DIR away before they run


@pytest.mark.slow
@pytest.mark.skipif(
    PUBLISHED is None, reason="no train.tsv, dev.tsv, test.tsv in ZOO_MANUAL_DIR or ../shared/data/sst2"
)
def test_the_publishers_files(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    dataset = sst2.load(Source(manual_dir=PUBLISHED))
    assert dict(dataset.sizes) == {"train": 6920, "val": 872, "test": 1821}
    seen = {split: list(examples.as_numpy_iterator()) for split, examples in dataset.splits.items()}
    positive = {split: sum(int(example["target"]) for example in examples) for split, examples in seen.items()}
    assert positive == {"train": 3610, "val": 444, "test": 909}
    assert seen["val"][0] == {"id": b"val-000000", "input": b"one long string of cliches", "target": 0}
    assert seen["train"][0]["input"].startswith(b"a stirring , funny and finally transporting")
    assert seen["train"][0]["target"] == 1
