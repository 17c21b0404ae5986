"""Handwritten digits (MNIST), read pixel by pixel in one long line, or in one scrambled order that never changes."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from zoo.datasets import archives, splits
from zoo.datasets.clips import target_spec
from zoo.types import Dataset, Origin, Source, Spec

URL = "https://storage.googleapis.com/cvdf-datasets/mnist"
FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
HOME = "http://yann.lecun.com/exdb/mnist/"
LICENCE = "CC BY-SA 3.0"
CITATION = (
    "LeCun, Y., Bottou, L., Bengio, Y. and Haffner, P. (1998). Gradient-Based Learning Applied to Document "
    "Recognition. Proceedings of the IEEE 86(11)."
)
CLASSES = tuple("0123456789")
INPUT = Spec(name="pixels", kind="series", shape=(None, 1), dtype="float32", axes=("pixel", "grey"))
SCRAMBLED = "scrambled pixels"  # name of the input where the order is `order`'s
ORDER_SEED = 92916
VAL_SHARE = 5_000 / 60_000  # of the publisher's train split
ROWS = 1024  # read from TFDS at once


def order(pixels: int) -> np.ndarray:
    """int64[pixel]: which pixel of an image is read at each step of the scrambled order, the same for ever.

    Drawn by NumPy's legacy generator, whose draws never change, from the seed 92916.

    Args:
      pixels: Of an image, 784 of MNIST.
    """
    return np.random.RandomState(ORDER_SEED).permutation(pixels)


def load(source: Source, *, permuted: bool = False) -> Dataset:
    """Loads the catalogue's `mnist` with the publisher's test split; val is drawn from the publisher's train.

    Args:
      source: Where the publisher's four files may lie, themselves or in the subfolder `mnist`; the seed is that of the
        draw.
      permuted: Read the pixels in the order of `order` instead of line by line.

    Returns:
      55,000 train, 5,000 val and 10,000 test examples `{"id": string[], "input": float32[784, 1] from 0 to 1, "target":
      int64[]}`.

    Raises:
      UsageError: A file is not the publisher's.
      RunError: Files are missing and there is no network.

    Source:
      Le, Jaitly and Hinton 2015, A Simple Way to Initialize Recurrent Networks of Rectified Linear Units, section 4.2
      (pixel by pixel, and in one permuted order).
    """
    make = tfds.builder_cls("mnist")
    found = archives.find_all(archives.manual_dir(source), "mnist", FILES)
    for file in found or ():
        archives.verify_file(file, make.url_infos[f"{URL}/{file.name}"].checksum)
    builder = archives.prepare(make, found and found[0], url=URL, name=FILES)
    images, labels = _rows(builder, "train")
    names = [f"train-{number:05d}" for number in range(len(labels))]
    drawn = np.array(splits.draw(names, [CLASSES[label] for label in labels], source.seed, {"val": VAL_SHARE}))
    parts = {split: (images[drawn == split], labels[drawn == split]) for split in ("train", "val")}
    parts["test"] = _rows(builder, "test")
    return _dataset(
        parts,
        permuted,
        name="MNIST, pixel by pixel",
        version=str(builder.version),
        origin="real",
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
    )


def digits(source: Source, *, permuted: bool = False) -> Dataset:
    """The 1,797 digits of 8 x 8 pixels that come with scikit-learn: 1,257 train, 180 val, 360 test, by a fixed draw.

    Args:
      source: Not looked at.
      permuted: As of `load`.

    Source:
      Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.data * (255 / 16)).astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    places = np.split(np.random.RandomState(0).permutation(len(labels)), [1257, 1437])
    parts = {split: (images[rows], labels[rows]) for split, rows in zip(("train", "val", "test"), places, strict=True)}
    return _dataset(
        parts,
        permuted,
        name="handwritten digits of 8 x 8 pixels, pixel by pixel",
        version="1998",
        origin="sample",
        citation="Alpaydin, E. and Kaynak, C. (1998). Optical Recognition of Handwritten Digits. UCI. As a sample, "
        "never to be reported as a result.",
        licence="CC BY 4.0",
    )


def _rows(builder: tfds.core.DatasetBuilder, split: str) -> tuple[np.ndarray, np.ndarray]:
    """uint8[example, pixel] and int64[example] of a split of the publisher's."""
    batches = list(tfds.as_numpy(builder.as_dataset(split=split, batch_size=ROWS)))
    images = np.concatenate([batch["image"] for batch in batches])
    return images.reshape(len(images), -1), np.concatenate([batch["label"] for batch in batches]).astype(np.int64)


def _dataset(
    parts: dict[str, tuple[np.ndarray, np.ndarray]], permuted: bool, *, name: str, origin: Origin, **about: str
) -> Dataset:
    if permuted:
        places = order(next(iter(parts.values()))[0].shape[1])
        parts = {split: (images[:, places], labels) for split, (images, labels) in parts.items()}
    digest = hashlib.sha256()
    for images, labels in parts.values():
        digest.update(images.tobytes() + labels.tobytes())
    return Dataset(
        name=f"{name}, scrambled" if permuted else name,
        origin=origin,
        input=dataclasses.replace(INPUT, name=SCRAMBLED) if permuted else INPUT,
        target=target_spec(CLASSES),
        splits={split: _examples(split, *rows) for split, rows in parts.items()},
        sizes={split: len(labels) for split, (_, labels) in parts.items()},
        fingerprint=digest.hexdigest()[:16],
        **about,
    )


def _examples(split: str, images: np.ndarray, labels: np.ndarray) -> tf.data.Dataset:
    ids = [f"{split}-{index}" for index in range(len(labels))]

    def example(row: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {**row, "input": tf.cast(row["input"], tf.float32)[:, None] / 255.0}

    return tf.data.Dataset.from_tensor_slices({"id": ids, "input": images, "target": labels}).map(example)
