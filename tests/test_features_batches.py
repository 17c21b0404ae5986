"""Features in shuffled batches, epoch after epoch."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_features import (
    COUNT,
    LABEL,
    SIGNAL,
    STEPS,
    VARIANTS,
    WINDOWS,
    augment_features,
    dataset,
    expected,
    recipe,
)

from zoo import features
from zoo.chain import Chain
from zoo.recipe import Recipe


@pytest.fixture(scope="module")
def kept() -> tf.data.Dataset:
    made = recipe()
    return features.compute(made, Chain(made, SIGNAL, LABEL), dataset().splits["train"], VARIANTS).cache()


def epoch(kept: tf.data.Dataset, number: int, seed: int = 0, made: Recipe | None = None) -> list:
    """The batches of one epoch, reached straight."""
    made = made or recipe(augment_features=augment_features)
    steps = features.batches_per_epoch(kept, made.training.batch_size)
    return list(features.train_batches(kept, made, seed=seed, first=number).take(steps).as_numpy_iterator())


@pytest.fixture(autouse=True)
def global_seed():
    keras.utils.set_random_seed(1)


def same(one: list, two: list) -> bool:
    return len(one) == len(two) and all(
        np.array_equal(a[0][0], b[0][0]) and np.array_equal(a[0][1], b[0][1]) and np.array_equal(a[1], b[1])
        for a, b in zip(one, two, strict=True)
    )


def test_every_example_comes_once_an_epoch(kept: tf.data.Dataset):
    orders = [np.concatenate([target for _, target in epoch(kept, number)]).tolist() for number in range(3)]
    assert [Counter(order) for order in orders] == [Counter(range(COUNT))] * 3
    assert orders[0] != orders[1] != orders[2]


def test_what_does_not_fit_is_shuffled_part_by_part(kept: tf.data.Dataset, monkeypatch):
    size = np.mean([row["features"].nbytes for row in kept.as_numpy_iterator()])
    monkeypatch.setattr(features, "IN_MEMORY_BYTES", int(5.5 * size))
    monkeypatch.setattr(features, "BUCKETS", 1)
    order = np.concatenate([target for _, target in epoch(kept, 0)]).tolist()
    assert Counter(order) == Counter(range(COUNT))
    assert order != list(range(COUNT))
    batch = recipe().training.batch_size
    assert all(number < place + 5 + 2 * batch for place, number in enumerate(order))  # and sorted batch by batch


def test_the_data_set_varies_its_examples_before_the_recipe_does(cache: Path):
    def vary(example: dict[str, tf.Tensor], seed: tf.Tensor) -> dict[str, tf.Tensor]:
        return {**example, "input": tf.fill(tf.shape(example["input"]), 7.0)}

    varied = dataclasses.replace(dataset(), vary=vary)
    made = recipe(augment_raw=lambda values, seed: values + 1)
    rows = list(features.prepare(made, Chain(made, SIGNAL, LABEL), varied, "train", variants=2).as_numpy_iterator())
    for number, row in enumerate(rows):
        plain, drawn = np.split(row["features"], row["splits"][1:2])
        np.testing.assert_array_equal(plain, expected(number))
        assert set(drawn.ravel()) <= {0.0, 16.0}  # twice 7 + 1, or filled up


def test_an_epoch_is_the_same_however_one_got_there(kept: tf.data.Dataset):
    made = recipe(augment_features=augment_features)
    steps = features.batches_per_epoch(kept, made.training.batch_size)
    passed = list(features.train_batches(kept, made, seed=0).take(3 * steps).as_numpy_iterator())
    for number in range(3):
        assert same(passed[number * steps : (number + 1) * steps], epoch(kept, number))
    assert not same(epoch(kept, 2), epoch(kept, 1))
    assert not same(epoch(kept, 2), epoch(kept, 2, seed=1))


def by_target(found: list) -> dict[int, np.ndarray]:
    return {
        int(number): values[row, : length[row]]
        for (values, length), target in found
        for row, number in enumerate(target)
    }


def test_epochs_draw_other_variants_and_other_augmentation(kept: tf.data.Dataset):
    first, second = by_target(epoch(kept, 0)), by_target(epoch(kept, 1))
    assert not any(np.array_equal(first[number], second[number]) for number in range(COUNT))
    plain = [len(first[number]) == len(expected(number)) for number in range(COUNT) if STEPS[number] > 6]
    assert 0.1 < np.mean(plain) < 0.6  # a third of them


def test_without_augmentation_batches_hold_the_features(cache: Path):
    made = recipe(augment_raw=None)
    chain = Chain(made, SIGNAL, LABEL)
    rows = features.prepare(made, chain, dataset(), "train")
    for found in (epoch(rows, 0, made=made), list(features.plain_batches(rows, batch_size=4).as_numpy_iterator())):
        examples = by_target(found)
        assert len(examples) == COUNT
        for number in range(COUNT):
            np.testing.assert_array_equal(examples[number], expected(number))


def test_plain_batches_are_the_same_at_every_pass(kept: tf.data.Dataset):
    made = features.plain_batches(kept, batch_size=4)
    first = list(made.as_numpy_iterator())
    assert same(first, list(made.as_numpy_iterator()))
    assert len(first) == int(made.cardinality())
    assert Counter(int(number) for _, target in first for number in target) == Counter(range(COUNT))


def test_batches_hold_examples_of_like_length_and_zeros_past_each(kept: tf.data.Dataset):
    found = list(features.plain_batches(kept, batch_size=4).as_numpy_iterator())
    in_order = np.concatenate([length for (_, length), _ in found])
    assert in_order.tolist() == sorted(((STEPS + 1) // 2).tolist())  # one window holds all 50
    for (values, length), target in found:
        assert len(target) <= 4
        assert values.shape[1] == length.max()
        for row, size in zip(values, length, strict=True):
            assert not row[size:].any()


def test_windows_are_sorted_one_by_one(kept: tf.data.Dataset, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(features, "BUCKETS", 2)
    found = list(features.plain_batches(kept, batch_size=10).as_numpy_iterator())
    in_order = np.concatenate([length for (_, length), _ in found])
    steps = (STEPS + 1) // 2
    assert in_order.tolist() == [*sorted(steps[:20]), *sorted(steps[20:40]), *sorted(steps[40:])]


@pytest.mark.parametrize("size", [1, 3, 50, 64])
def test_cardinality_is_exact(kept: tf.data.Dataset, size: int):
    made = features.plain_batches(kept, batch_size=size)
    assert (
        sum(1 for _ in made) == int(made.cardinality()) == features.batches_per_epoch(kept, size) == -(-COUNT // size)
    )
    assert features.count(kept) == COUNT


def windows() -> tf.data.Dataset:
    """Examples of one shape, as windows over a table are."""
    ends = np.tile(np.array([0, 5], np.int64), (20, 1))
    columns = {"features": WINDOWS, "splits": ends, "target": np.arange(20, dtype=np.float32)[:, None]}
    return tf.data.Dataset.from_tensor_slices(columns)


def test_examples_of_one_shape_are_neither_sorted_nor_padded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(features, "BUCKETS", 1)  # else whole batches are shuffled too
    for found in (
        list(features.plain_batches(windows(), batch_size=4).as_numpy_iterator()),
        epoch(windows(), 0, made=recipe()),
    ):
        assert [len(target) for _, target in found] == [4] * 5
        for (values, length), target in found:
            assert values.shape[1:] == (5, 2) and length.tolist() == [5] * len(target) and length.dtype == np.int32
            np.testing.assert_array_equal(values, WINDOWS[target[:, 0].astype(int)])
    assert features.count(windows()) == 20


@pytest.mark.parametrize("held", [1 << 30, 3 * WINDOWS[0].nbytes])
def test_every_window_comes_once_an_epoch_however_few_are_shuffled_at_once(held: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(features, "SHUFFLED_BYTES", held)
    made = recipe()
    orders = [np.concatenate([target[:, 0] for _, target in epoch(windows(), number, made=made)]) for number in (0, 1)]
    for order in orders:
        assert sorted(order) == list(range(20))
        assert order.tolist() != sorted(order)
    assert orders[0].tolist() != orders[1].tolist()
