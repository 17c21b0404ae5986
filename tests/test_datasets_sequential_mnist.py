"""Digits pixel by pixel: on files laid out as the publisher's, and on those of scikit-learn."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from sklearn.datasets import load_digits
from tensorflow_datasets.core.download.checksums import UrlInfo

from zoo.datasets import sequential_mnist
from zoo.datasets.sequential_mnist import FILES, INPUT, SCRAMBLED, URL, order
from zoo.types import Dataset, RunError, Source, UsageError

TRAIN, TEST = 240, 30  # of the 60,000 and 10,000


def write_files(folder: Path) -> dict[str, np.ndarray]:
    """Four files in the publisher's format (big-endian header, then bytes), with images and labels drawn at random."""
    folder.mkdir(parents=True)
    draws = np.random.default_rng(0)
    made = {}
    for name, count in (("train", TRAIN), ("t10k", TEST)):
        images, labels = draws.integers(0, 256, (count, 28, 28), np.uint8), (np.arange(count) % 10).astype(np.uint8)
        made |= {f"{name}-images-idx3-ubyte.gz": images, f"{name}-labels-idx1-ubyte.gz": labels}
    for name, values in made.items():
        header = np.array([2051 if values.ndim == 3 else 2049, *values.shape], ">i4").tobytes()
        (folder / name).write_bytes(gzip.compress(header + values.tobytes(), mtime=0))
    return made


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> tuple[Path, dict[str, np.ndarray]]:
    """A folder with a cache in which the small files are prepared, and what is in them."""
    folder = tmp_path_factory.mktemp("mnist")
    made = write_files(folder / "manual" / "mnist")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE", str(folder / "cache"))
        register(patch, folder / "manual" / "mnist")
        sequential_mnist.load(Source(manual_dir=folder / "manual"))
    return folder, made


def register(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Has TFDS take these files for the publisher's, in number and sum; both are compared all the same."""
    known = {}
    for name in FILES:
        content = (folder / name).read_bytes()
        known[f"{URL}/{name}"] = UrlInfo(len(content), hashlib.sha256(content).hexdigest(), name)
    make = tfds.builder_cls("mnist")
    patch.setattr(make, "url_infos", known)
    module = __import__(make.__module__, fromlist=["_TRAIN_EXAMPLES"])
    patch.setattr(module, "_TRAIN_EXAMPLES", TRAIN)
    patch.setattr(module, "_TEST_EXAMPLES", TEST)


@pytest.fixture
def digits(prepared, monkeypatch) -> Dataset:
    monkeypatch.setenv("ZOO_CACHE", str(prepared[0] / "cache"))
    return sequential_mnist.load(Source())


def rows(dataset: Dataset, split: str) -> list[dict]:
    return list(dataset.splits[split].as_numpy_iterator())


def test_splits_and_examples(digits, prepared):
    assert dict(digits.sizes) == {"train": 220, "val": 20, "test": TEST}
    assert (digits.origin, digits.version, digits.input) == ("real", "3.0.1", INPUT)
    assert np.bincount([row["target"] for row in rows(digits, "val")]).tolist() == [2] * 10
    _, made = prepared
    for splits, name in ((("train", "val"), "train"), (("test",), "t10k")):
        found = {(row["input"].tobytes(), int(row["target"])) for split in splits for row in rows(digits, split)}
        images = made[f"{name}-images-idx3-ubyte.gz"].reshape(-1, 784, 1).astype(np.float32) / np.float32(255)
        labels = made[f"{name}-labels-idx1-ubyte.gz"].tolist()
        assert found == {(image.tobytes(), label) for image, label in zip(images, labels, strict=True)}


def test_scrambled_pixels_are_the_same_pixels_in_one_order(digits, prepared, monkeypatch):
    scrambled = sequential_mnist.load(Source(), permuted=True)
    assert scrambled.input.name == SCRAMBLED and INPUT.accepts(scrambled.input)
    assert scrambled.fingerprint != digits.fingerprint
    for plain, moved in zip(rows(digits, "test"), rows(scrambled, "test"), strict=True):
        np.testing.assert_array_equal(moved["input"], plain["input"][order(784)])
        assert moved["target"] == plain["target"]


def test_the_order_never_changes():
    assert order(784)[:6].tolist() == np.random.RandomState(92916).permutation(784)[:6].tolist()
    assert hashlib.sha256(order(784).astype("<i8").tobytes()).hexdigest()[:16] == "96240fe27409981c"
    assert sorted(order(64)) == list(range(64))


def test_val_is_drawn_by_the_seed(digits):
    def val(seed: int) -> set[bytes]:
        return {row["id"] + row["input"].tobytes() for row in rows(sequential_mnist.load(Source(seed=seed)), "val")}

    assert val(0) == val(0)
    assert {each[-99:] for each in val(0)} != {each[-99:] for each in val(1)}


def test_files_that_are_not_the_publishers_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    write_files(tmp_path / "mnist")
    with pytest.raises(UsageError, match=r"is not the publisher's file: its SHA-256 is .*, expected 440fcabf73cc546f"):
        sequential_mnist.load(Source(manual_dir=tmp_path / "mnist"))


def test_without_files_and_network_the_error_names_them(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sequential_mnist, "URL", "http://127.0.0.1:9/mnist")
    with pytest.raises(
        RunError, match=r"`train-images-idx3-ubyte.gz`, .* are not all here and http://127.0.0.1:9/mnist"
    ):
        sequential_mnist.load(Source())


def test_the_sample_is_scikit_learns(tmp_path):
    dataset = sequential_mnist.digits(Source())
    assert dict(dataset.sizes) == {"train": 1257, "val": 180, "test": 360}
    assert dataset.origin == "sample"
    found = sorted(
        (*np.round(row["input"][:, 0] * 16).astype(int).tolist(), int(row["target"]))
        for split in dataset.splits
        for row in rows(dataset, split)
    )
    bunch = load_digits()
    assert found == sorted(
        (*image, int(label)) for image, label in zip(bunch.data.astype(int).tolist(), bunch.target, strict=True)
    )
    first = rows(dataset, "test")[0]
    moved = rows(sequential_mnist.digits(Source(), permuted=True), "test")[0]
    np.testing.assert_array_equal(moved["input"], first["input"][order(64)])
