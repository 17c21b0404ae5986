"""The film reviews, on small archives laid out as the publisher's, on TFDS's stand-in, and on the publisher's own."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import random
import tarfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.checksums import UrlInfo

from zoo.datasets import archives, imdb
from zoo.types import Dataset, RunError, Source, UsageError

REGISTERED = "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"  # SHA-256 of the publisher's archive
REPEATED = "the same words<br /><br />and again"
FOLDERS = {
    "train/neg": [f"dull film, part {number}<br />of a row" for number in range(28)] + [REPEATED, REPEATED],
    "train/pos": [f"fine film, part {number}" for number in range(29)] + ["the same words and again"],  # once unmarked
    "test/neg": [f"no film {number}" for number in range(5)],
    "test/pos": [f"what a film {number}, caf\u00e9 <br /> and all<br />" for number in range(6)],
    "train/unsup": [f"some film {number}" for number in range(9)],
}


def write_archive(path: Path, seed: int = 0) -> Path:
    """Files named as the publisher's (number and stars), in an order of the seed's; the publisher's notes beside."""
    files = {
        f"aclImdb/{folder}/{number}_{10 if 'pos' in folder else 1}.txt": text
        for folder, texts in FOLDERS.items()
        for number, text in enumerate(texts)
    }
    files |= {"aclImdb/README": "about", "aclImdb/imdb.vocab": "the\na", "aclImdb/train/labeledBow.feat": "9 0:9"}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name in random.Random(seed).sample(sorted(files), len(files)):
            content = files[name].encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def register(monkeypatch: pytest.MonkeyPatch, archive: Path, url: str = imdb.URL) -> None:
    """Has TFDS take this archive's sum for the publisher's; it is compared all the same."""
    content = archive.read_bytes()
    known = UrlInfo(len(content), hashlib.sha256(content).hexdigest(), archive.name)
    monkeypatch.setattr(tfds.builder_cls("imdb_reviews"), "url_infos", {url: known})


def rows(dataset: Dataset, split: str) -> list[tuple[str, str, int]]:
    batches = dataset.splits[split].batch(1000).as_numpy_iterator()
    columns = [zip(batch["id"], batch["input"], batch["target"], strict=True) for batch in batches]
    return [(id.decode(), text.decode(), int(label)) for column in columns for id, text, label in column]


@pytest.fixture
def archive(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZOO_MANUAL_DIR", raising=False)
    path = write_archive(tmp_path / "manual" / imdb.ARCHIVE)
    register(monkeypatch, path)
    return path


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A cache with the small archive prepared in it, to be read and not changed."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(folder / "cache"))
        path = write_archive(folder / "manual" / imdb.ARCHIVE)
        register(patch, path)
        imdb.load(Source(manual_dir=path.parent))
    return folder / "cache"


@pytest.fixture
def reviews(prepared, monkeypatch) -> Dataset:
    monkeypatch.setenv("ZOO_CACHE", str(prepared))
    return imdb.load(Source(), unlabelled=True)  # prepared by now, so no archive is needed


@pytest.fixture
def unreachable(monkeypatch) -> str:
    url = f"http://127.0.0.1:9/{imdb.ARCHIVE}"  # the discard port, where nothing listens
    monkeypatch.setattr(imdb, "URL", url)
    return url


def test_splits_and_examples(reviews):
    assert dict(reviews.sizes) == {"train": 54, "val": 6, "test": 11, "unlabelled": 9}
    assert Counter(label for _, _, label in rows(reviews, "val")) == {0: 3, 1: 3}
    assert Counter(label for _, _, label in rows(reviews, "test")) == {0: 5, 1: 6}
    assert {label for _, _, label in rows(reviews, "unlabelled")} == {-1}
    said = {(imdb.plain(text), label) for label, name in enumerate(("neg", "pos")) for text in FOLDERS[f"test/{name}"]}
    assert {(text, label) for _, text, label in rows(reviews, "test")} == said
    assert {text for _, text, _ in rows(reviews, "unlabelled")} == {*FOLDERS["train/unsup"]}
    assert next(reviews.splits["train"].as_numpy_iterator())["target"].dtype == np.int64
    assert (reviews.input.kind, reviews.input.shape, reviews.input.dtype) == ("text", (), "string")
    assert reviews.target.classes == ("negative", "positive")
    assert (reviews.version, reviews.licence, reviews.origin) == ("1.0.0", "none stated", "real")
    assert "Maas" in reviews.citation and "2011" in reviews.citation


def test_no_text_is_in_train_and_val_and_repeats_stay_in_train(reviews):
    train, val = rows(reviews, "train"), rows(reviews, "val")
    assert not {text for _, text, _ in train} & {text for _, text, _ in val}
    assert [label for _, text, label in train if text == "the same words and again"] == [0, 0, 1]
    together = sorted((text, label) for _, text, label in train + val)
    folders = ((0, "train/neg"), (1, "train/pos"))
    assert together == sorted((imdb.plain(text), label) for label, folder in folders for text in FOLDERS[folder])


def test_ids_number_the_publishers_splits_in_the_order_of_a_hash(reviews):
    for split, publishers in (("test", ("test",)), ("unlabelled", ("unlabelled",)), ("train", ("train", "val"))):
        together = sorted(row for name in publishers for row in rows(reviews, name))
        assert [id for id, _, _ in together] == [f"{split}-{number:06d}" for number in range(len(together))]
        assert together == sorted(together, key=lambda row: hashlib.sha256(row[1].encode()).digest())
    assert rows(reviews, "train") == sorted(rows(reviews, "train"))


def test_the_seed_draws_val_and_nothing_else(reviews):
    again, other = imdb.load(Source(), unlabelled=True), imdb.load(Source(seed=1), unlabelled=True)
    assert again.fingerprint == reviews.fingerprint != other.fingerprint
    for split in reviews.splits:
        assert rows(again, split) == rows(reviews, split)
    assert rows(other, "val") != rows(reviews, "val")
    assert rows(other, "test") == rows(reviews, "test")
    both = [sorted(rows(dataset, "train") + rows(dataset, "val")) for dataset in (reviews, other)]
    assert both[0] == both[1]


def test_without_the_unlabelled_ones(reviews):
    labelled = imdb.load(Source())
    assert list(labelled.splits) == ["train", "val", "test"]
    assert rows(labelled, "val") == rows(reviews, "val")
    assert labelled.fingerprint != reviews.fingerprint


@pytest.mark.parametrize(
    ("markup", "plain"),
    [
        ("one<br />two", "one two"),
        ("one. <br /><br />two<br />", "one. two"),
        ("<br />  <br /> one  two", "one  two"),
        ("a < b <i>", "a < b <i>"),
    ],
)
def test_line_breaks_become_a_space(markup, plain):
    assert imdb.plain(markup) == plain


def test_the_order_of_the_archive_does_not_matter(archive, reviews, unreachable, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "other"))
    write_archive(archive, seed=1)
    register(monkeypatch, archive)
    assert imdb.load(Source(manual_dir=archive.parent), unlabelled=True).fingerprint == reviews.fingerprint


def test_archive_is_found_in_the_environment_and_in_a_subfolder_and_is_not_touched(
    archive, unreachable, monkeypatch, capfd, untouched
):
    parent = archive.parent.parent / "archives"
    (parent / "imdb").mkdir(parents=True)
    archive.rename(parent / "imdb" / archive.name)
    monkeypatch.setenv("ZOO_MANUAL_DIR", str(parent))
    with untouched(parent):
        assert imdb.load(Source()).sizes["test"] == 11
    assert capfd.readouterr().out == ""


def test_only_the_publishers_archive_is_taken(archive, monkeypatch):
    monkeypatch.undo()  # the sum that TFDS itself has registered
    monkeypatch.setenv("ZOO_CACHE", str(archive.parents[1] / "cache"))
    for content in (archive.read_bytes(), archive.read_bytes()[:500], b""):
        archive.write_bytes(content)
        found = hashlib.sha256(content).hexdigest()
        said = (
            f"`{archive}` is not the publisher's file: its SHA-256 is {found}, expected {REGISTERED}; fetch it again."
        )
        with pytest.raises(UsageError) as caught:
            imdb.load(Source(manual_dir=archive.parent))
        assert str(caught.value) == said
        assert archive.read_bytes() == content


def test_without_archive_and_network_one_line_says_what_to_do(archive, unreachable):
    archive.rename(archive.with_name("other.tar.gz"))
    start = time.monotonic()
    for source in (Source(), Source(manual_dir=archive.parent)):
        with pytest.raises(
            RunError, match=f"`{imdb.ARCHIVE}` is not here and {unreachable} cannot be fetched"
        ) as caught:
            imdb.load(source)
        assert "put that file into a folder FOLDER and add `--manual-dir FOLDER`" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 5


@pytest.fixture
def server(archive, monkeypatch):
    """Serves the archive over HTTP, where the catalogue's builder and the loader look for it."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Handler, directory=archive.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{running.server_port}/{archive.name}"
        monkeypatch.setattr(imdb, "URL", url)
        monkeypatch.setattr("tensorflow_datasets.datasets.imdb_reviews.imdb_reviews_dataset_builder._DOWNLOAD_URL", url)
        register(monkeypatch, archive, url)
        yield url
        running.shutdown()


def test_archive_is_downloaded_and_a_wrong_download_is_not_kept(server, archive):
    right = archive.read_bytes()
    archive.write_bytes(right[:500])
    said = f"{server} did not send the publisher's file \\(its SHA-256 differs\\); fetch it again"
    with pytest.raises(UsageError, match=said):
        imdb.load(Source())
    assert not [path for path in archive.parents[1].glob("cache/downloads/**/*") if path.is_file()]
    archive.write_bytes(right)
    assert dict(imdb.load(Source()).sizes) == {"train": 54, "val": 6, "test": 11}


def test_full_sizes_on_the_catalogues_stand_in(archive):
    """As many reviews as the publisher's, by `tfds.testing.mock_data`, some of them repeats."""
    sizes = {"train": 25_000, "test": 25_000, "unsupervised": 50_000}

    def as_dataset(builder, split, **_):
        number = tf.range(sizes[split])
        text = tf.strings.as_string(number - number % 2 * tf.cast(number < 400, tf.int32))  # 200 of the class below
        label = tf.fill(sizes[split], -1) if split == "unsupervised" else tf.cast(number >= 12_500, tf.int32)
        columns = {"text": "it was <br />film " + text, "label": tf.cast(label, tf.int64)}
        return tf.data.Dataset.from_tensor_slices(columns)

    with tfds.testing.mock_data(as_dataset_fn=as_dataset):
        dataset = imdb.load(Source(manual_dir=archive.parent), unlabelled=True)
    there = {split: int(examples.cardinality()) for split, examples in dataset.splits.items()}
    assert there == dict(dataset.sizes) == {"train": 22_500, "val": 2500, "test": 25_000, "unlabelled": 50_000}
    found = {split: rows(dataset, split) for split in ("train", "val")}
    texts = {split: {text for _, text, _ in part} for split, part in found.items()}
    assert not texts["train"] & texts["val"]
    assert len(texts["train"]) == 22_300
    assert {split: sum(label for _, _, label in part) for split, part in found.items()} == {
        "train": 11_250,
        "val": 1250,
    }
    assert all(text.startswith("it was film ") for part in texts.values() for text in part)


def publishers_archive() -> Path | None:
    folders = [os.environ.get("ZOO_MANUAL_DIR"), Path(__file__).parents[2] / "shared" / "data" / "imdb"]
    found = (archives.find(Path(place), "imdb", (imdb.ARCHIVE,)) for place in folders if place)
    return next(filter(None, found), None)


PUBLISHED = publishers_archive()  # the tests take ZOO_MANUAL_DIR away before they run


@pytest.mark.slow
@pytest.mark.skipif(PUBLISHED is None, reason="no aclImdb_v1.tar.gz in ZOO_MANUAL_DIR or ../shared/data/imdb")
def test_the_publishers_archive(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    dataset = imdb.load(Source(manual_dir=PUBLISHED.parent), unlabelled=True)
    assert dict(dataset.sizes) == {"train": 22_500, "val": 2500, "test": 25_000, "unlabelled": 50_000}
    positive = {split: sum(label for _, _, label in rows(dataset, split)) for split in ("train", "val", "test")}
    assert positive == {"train": 11_250, "val": 1250, "test": 12_500}
    assert not any("<br />" in text for split in dataset.splits for _, text, _ in rows(dataset, split))
