from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import features
from zoo.chain import Chain
from zoo.recipe import Recipe
from zoo.types import Dataset, Series, Spec, Training

COUNT = 50
VARIANTS = 3
SIGNAL = Spec(name="signal", kind="series", shape=(None, 1), dtype="float32", axes=("sample", "column"))
LABEL = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("a", "b"))
STEPS = np.random.default_rng(0).integers(1, 60, COUNT)
WINDOWS = np.arange(20 * 5 * 2, dtype=np.float32).reshape(20, 5, 2)


class Pairs(keras.layers.Layer):
    """A frontend that scales and joins two samples to one step, and counts how often it ran."""

    def __init__(self, scale: float = 2.0):
        super().__init__()
        self.scale = scale
        self.calls = 0

    def call(self, values: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def count(batch: np.ndarray) -> np.ndarray:
            self.calls += 1
            return batch

        shape = values.shape
        values = tf.ensure_shape(tf.numpy_function(count, [values], tf.float32), shape)
        values = tf.pad(values, [[0, 0], [0, tf.shape(values)[1] % 2], [0, 0]])
        rows = tf.reshape(values, [tf.shape(values)[0], tf.shape(values)[1] // 2, 2])
        return self.scale * rows, (length + 1) // 2

    def features(self, input: Spec) -> Spec:
        return Spec(name="pairs", kind="series", shape=(None, 2), dtype="float32", axes=("step", "column"))

    def get_config(self) -> dict[str, float]:
        return {"scale": self.scale}


def network(features: Spec, target: Spec) -> keras.Model:
    values = keras.Input((None, features.shape[-1]))
    length = keras.Input((), dtype="int32")
    return keras.Model([values, length], keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(values)))


def augment_raw(values: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return values[: tf.shape(values)[0] // 2 + 1] + tf.random.stateless_uniform([], seed)


def augment_features(values: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return values + tf.random.stateless_uniform(tf.shape(values), seed) / 10


def raw(number: int) -> np.ndarray:
    return 100 * number + np.arange(STEPS[number], dtype=np.float32)[:, None]


def dataset(fingerprint: str = "f") -> Dataset:
    def rows():
        for number in range(COUNT):
            yield {"id": f"{number}", "input": raw(number), "target": number}

    signature = {
        "id": tf.TensorSpec([], tf.string),
        "input": tf.TensorSpec([None, 1], tf.float32),
        "target": tf.TensorSpec([], tf.int64),
    }
    examples = tf.data.Dataset.from_generator(rows, output_signature=signature)
    return Dataset(
        name="counted",
        version="",
        origin="generated",
        input=SIGNAL,
        target=LABEL,
        fingerprint=fingerprint,
        citation="",
        licence="",
        splits={"train": examples},
        sizes={"train": COUNT},
    )


def recipe(scale: float = 2.0, frontend: bool = True, **changes: object) -> Recipe:
    training = Training(epochs=2, batch_size=4, learning_rate=1e-3, variants=VARIANTS)
    made = Recipe(
        input=SIGNAL,
        dataset=dataset,
        sample=dataset,
        network=network,
        task=zoo.tasks.Classification(),
        training=training,
        frontend=(lambda: Pairs(scale)) if frontend else None,
        augment_raw=augment_raw,
    )
    return dataclasses.replace(made, **changes)


def prepared(made: Recipe, data: Dataset | None = None, **options: object) -> tuple[Chain, list[dict]]:
    chain = Chain(made, SIGNAL, LABEL)
    rows = features.prepare(made, chain, data or dataset(), "train", **options)
    return chain, list(rows.as_numpy_iterator())


def expected(number: int) -> np.ndarray:
    values = np.zeros(STEPS[number] + STEPS[number] % 2, np.float32)
    values[: STEPS[number]] = raw(number)[:, 0]
    return 2 * values.reshape(-1, 2)


def test_second_time_comes_from_the_cache(cache: Path):
    done: list[int] = []
    first, computed = prepared(recipe(), variants=VARIANTS, advance=done.append)
    assert first.frontend.calls > 0 and done == [1] * COUNT
    second, kept = prepared(recipe(), variants=VARIANTS, advance=done.append)
    assert second.frontend.calls == 0 and done[COUNT:] == [COUNT]
    assert len(list(cache.iterdir())) == 1
    for one, two in zip(computed, kept, strict=True):
        assert one.keys() == two.keys() == {"id", "features", "splits", "target"}
        for name in one:
            np.testing.assert_array_equal(one[name], two[name])


def _cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _one_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [_cut_short, _one_bit, Path.unlink])
def test_damaged_features_are_made_again(cache: Path, damage, caplog: pytest.LogCaptureFixture):
    _, computed = prepared(recipe())
    (folder,) = cache.iterdir()
    damage(max((file for file in folder.iterdir() if ".data-" in file.name), key=lambda file: file.stat().st_size))
    again, kept = prepared(recipe())
    assert again.frontend.calls > 0
    assert caplog.messages == [f"cached features in {folder} are damaged and are made again"]
    for one, two in zip(computed, kept, strict=True):
        np.testing.assert_array_equal(one["features"], two["features"])


def test_rows_are_in_order_and_the_first_variant_is_plain(cache: Path):
    _, rows = prepared(recipe(), variants=VARIANTS)
    assert [row["id"].decode() for row in rows] == [str(number) for number in range(COUNT)]
    for number, row in enumerate(rows):
        assert row["target"] == number
        assert len(row["splits"]) == VARIANTS + 1 and row["splits"][-1] == len(row["features"])
        np.testing.assert_array_equal(row["features"][: row["splits"][1]], expected(number))
        steps = np.diff(row["splits"])
        assert steps.tolist() == [(STEPS[number] + 1) // 2] + 2 * [(STEPS[number] // 2 + 2) // 2]
    shifts = {float(row["features"][row["splits"][k], 0]) % 1 for row in rows for k in (1, 2)}
    assert len(shifts) == 2 * COUNT  # every example and variant has a draw of its own


def test_first_variant_gives_all_plain_features_and_targets(cache: Path):
    made = recipe()
    chain = Chain(made, SIGNAL, LABEL)
    plain, targets = features.first_variant(features.prepare(made, chain, dataset(), "train", variants=VARIANTS))
    assert targets.tolist() == list(range(COUNT))
    for number, row in enumerate(plain):
        np.testing.assert_array_equal(row, expected(number))


def test_without_a_frontend_raw_values_are_the_features(cache: Path):
    _, rows = prepared(recipe(frontend=False))
    assert not cache.exists()
    for number, row in enumerate(rows):
        np.testing.assert_array_equal(row["features"], raw(number))


def test_windows_are_cut_anew_at_every_pass_and_not_kept(cache: Path):
    reads = []

    def read():
        reads.append(1)
        yield from ({"id": f"{number}", "input": WINDOWS[number], "target": WINDOWS[number, 0]} for number in range(3))

    kinds = {"id": ([], tf.string), "input": ([5, 2], tf.float32), "target": ([2], tf.float32)}
    signature = {name: tf.TensorSpec(*kind) for name, kind in kinds.items()}
    examples = tf.data.Dataset.from_generator(read, output_signature=signature)
    spec = dataclasses.replace(SIGNAL, shape=(5, 2), series=Series(ahead=1))
    data = dataclasses.replace(dataset(), input=spec, splits={"train": examples}, sizes={"train": 3})
    made, advanced = recipe(frontend=False), []
    rows = features.prepare(made, Chain(made, spec, LABEL), data, "train", advance=advanced.append)
    assert (reads, advanced) == ([], [3])
    for count in (1, 2):
        found = list(rows.as_numpy_iterator())
        assert len(reads) == count
        for number, row in enumerate(found):
            assert set(row) == {"id", "features", "splits", "target"}
            np.testing.assert_array_equal(row["features"], WINDOWS[number])
            np.testing.assert_array_equal(row["target"], WINDOWS[number, 0])
            assert row["splits"].tolist() == [0, 5] and row["splits"].dtype == np.int64
    assert not cache.exists()


def key(made: Recipe, data: Dataset, variants: int = VARIANTS, seed: int = 0) -> str:
    return features.cache_key(made, Chain(made, SIGNAL, LABEL), data, "train", variants, seed)


def test_key_changes_with_what_the_features_depend_on():
    base = key(recipe(), dataset())
    assert base == key(recipe(), dataset())
    others = [
        key(recipe(scale=3.0), dataset()),
        key(recipe(), dataset("another fingerprint")),
        key(recipe(), dataset(), variants=2),
        key(recipe(), dataset(), seed=1),
        key(recipe(augment_raw=augment_features), dataset()),
    ]
    assert len({base, *others}) == 6
    plain = key(recipe(), dataset(), variants=1)
    assert plain == key(recipe(augment_raw=None), dataset(), variants=1, seed=1)


def test_key_changes_with_what_augmentation_captures():
    def strengthened(strength: float):
        return lambda values, seed: values * strength

    assert len({key(recipe(augment_raw=strengthened(strength)), dataset()) for strength in (1.0, 2.0, 2.0)}) == 2


def test_another_seed_draws_other_variants_and_the_same_plain_ones(cache: Path):
    one, two = (prepared(recipe(), variants=VARIANTS, seed=seed)[1] for seed in (0, 1))
    for first, second in zip(one, two, strict=True):
        cut = first["splits"][1]
        np.testing.assert_array_equal(first["features"][:cut], second["features"][:cut])
        assert not np.array_equal(first["features"][cut:], second["features"][cut:])


def test_interrupted_computation_leaves_nothing(cache: Path):
    done: list[int] = []

    def interrupted(count: int) -> None:
        done.append(count)
        if len(done) == 20:
            raise OSError("the disk is full")

    with pytest.raises(Exception, match="the disk is full"):
        prepared(recipe(), advance=interrupted)
    assert list(cache.iterdir()) == []
    _, rows = prepared(recipe())
    assert len(rows) == COUNT
