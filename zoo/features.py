"""Features computed once, kept on disk, and served as bucketed batches that differ by epoch in a repeatable way."""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

import zoo.layers
from zoo.chain import Chain
from zoo.datasets.cache import cache_dir
from zoo.recipe import Recipe
from zoo.types import Dataset

BUCKETS = 8  # more buckets pad less, but leave more small last batches
IN_MEMORY_BYTES = 2 << 30  # features of a split up to this size are held in memory
FRONTEND_BATCH = 32
Row = tuple[tf.Tensor, tf.Tensor, tf.Tensor]  # features, target, steps of the plain features


def cache_key(recipe: Recipe, chain: Chain, dataset: Dataset, split: str, variants: int, seed: int) -> str:
    """Names the cached features: data, frontend with its state, and the code of layers and augmentation."""
    frontend = chain.frontend
    parts = [dataset.fingerprint, split, str(dataset.sizes[split]), str(chain.features)]
    if frontend is not None:
        parts += [type(frontend).__name__, json.dumps(frontend.get_config(), sort_keys=True, default=str)]
        parts += [hashlib.sha256(weight.numpy().tobytes()).hexdigest() for weight in frontend.weights]
    if variants > 1 and recipe.augment_raw is not None:
        draws = recipe.augment_raw
        captured = [cell.cell_contents for cell in draws.__closure__ or ()]
        parts += [str(variants), str(seed), inspect.getsource(draws), repr(captured)]
    for file in sorted(Path(zoo.layers.__file__).parent.glob("*.py")):
        parts.append(hashlib.sha256(file.read_bytes()).hexdigest())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def prepare(
    recipe: Recipe,
    chain: Chain,
    dataset: Dataset,
    split: str,
    *,
    variants: int = 1,
    seed: int = 0,
    advance: Callable[[int], None] = lambda count: None,
) -> tf.data.Dataset:
    """Features of a split, from the cache or computed into it.

    Args:
      recipe: Its `augment_raw` makes the variants.
      chain: Its frontend makes the features.
      dataset: Where the split is.
      split: Its name.
      variants: Copies of each example; the first is plain, the others have draws of `augment_raw` of their own.
      seed: Of those draws.
      advance: Called with the number of examples done since the last call.

    Returns:
      `{"id": string, "features": [time of all variants, feature], "splits": int64[variant + 1], "target"}` per example;
      variant k is `features[splits[k]:splits[k + 1]]`.
    """
    if chain.frontend is None:
        return compute(recipe, chain, dataset.splits[split], variants, seed, advance).cache()
    path = cache_dir() / "features" / cache_key(recipe, chain, dataset, split, variants, seed)
    if path.exists():
        advance(dataset.sizes[split])
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".partial-", dir=path.parent))
        try:
            compute(recipe, chain, dataset.splits[split], variants, seed, advance).save(str(scratch / "features"))
            _move(scratch / "features", path)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    features = tf.data.Dataset.load(str(path))
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return features.cache() if size <= IN_MEMORY_BYTES else features


def _move(made: Path, place: Path) -> None:
    try:
        made.replace(place)
    except OSError:  # another run finished the same features first; they are equal
        if not place.exists():
            raise


def compute(
    recipe: Recipe,
    chain: Chain,
    examples: tf.data.Dataset,
    variants: int = 1,
    seed: int = 0,
    advance: Callable[[int], None] = lambda count: None,
) -> tf.data.Dataset:
    """Features of single raw examples, computed as they are read; arguments and elements as of `prepare`."""

    def variant(index: tf.Tensor, example: dict[str, tf.Tensor], number: tf.Tensor) -> dict[str, tf.Tensor]:
        values = example["input"]
        if variants > 1 and recipe.augment_raw is not None:
            draw = tf.random.experimental.stateless_fold_in([seed, 0], tf.cast(index * variants + number, tf.int32))
            values = tf.cond(number > 0, lambda: recipe.augment_raw(values, draw), lambda: values)
            values = tf.ensure_shape(values, examples.element_spec["input"].shape)
        return {**example, "input": values, "length": tf.shape(values)[0]}

    def copies(index: tf.Tensor, example: dict[str, tf.Tensor]) -> tf.data.Dataset:
        return tf.data.Dataset.range(variants).map(lambda number: variant(index, example, number))

    def frontend(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        features, length = chain.to_features(batch["input"], batch["length"])
        rows = tf.RaggedTensor.from_tensor(features, lengths=length)
        return {"id": batch["id"], "target": batch["target"], "features": rows}

    def joined(group: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        rows = group["features"]
        return {
            "id": group["id"][0],
            "target": group["target"][0],
            "features": tf.ensure_shape(rows.values, chain.features.shape),
            "splits": rows.row_splits,
        }

    def count(example: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        tf.numpy_function(lambda: advance(1) or np.int64(0), [], tf.int64)
        return example

    parallel = tf.data.AUTOTUNE
    plain = examples.enumerate().interleave(copies, cycle_length=1, num_parallel_calls=1)
    padded = plain.padded_batch(FRONTEND_BATCH).map(frontend, num_parallel_calls=parallel)
    return padded.unbatch().ragged_batch(variants).map(joined, num_parallel_calls=parallel).map(count)


def lengths(features: tf.data.Dataset) -> np.ndarray:
    """int64[example]: steps of the first variant of each example."""
    return np.array([splits[1] for splits in features.map(lambda example: example["splits"]).as_numpy_iterator()])


def boundaries(steps: np.ndarray) -> list[int]:
    """Bucket boundaries at even quantiles of lengths int64[example], rounded up to whole multiples of 8 steps."""
    quantiles = np.quantile(steps, np.linspace(0, 1, BUCKETS + 1)[1:-1])
    return sorted({int(8 * np.ceil(quantile / 8)) + 1 for quantile in quantiles})


def steps_per_epoch(steps: np.ndarray, batch_size: int) -> int:
    """Batches in one pass over examples of these lengths, int64[example]."""
    buckets = np.digitize(steps, boundaries(steps))
    return int(sum(np.ceil(np.count_nonzero(buckets == bucket) / batch_size) for bucket in np.unique(buckets)))


def first_variant(features: tf.data.Dataset) -> tuple[list[np.ndarray], np.ndarray]:
    """Every example's plain features float32[time, feature], and the targets, in order."""
    rows = [
        (example["features"][: example["splits"][1]], example["target"]) for example in features.as_numpy_iterator()
    ]
    return [row[0] for row in rows], np.stack([row[1] for row in rows])


def train_batches(features: tf.data.Dataset, recipe: Recipe, *, seed: int, epoch: tf.Variable) -> tf.data.Dataset:
    """Augmented, shuffled, bucketed batches `((features, length: int32[batch]), target)`.

    Every draw depends on (seed, epoch, example) alone, so that epoch n is the same however one got there.

    Args:
      features: As `prepare` gives them.
      recipe: Its `augment_features` and batch size.
      seed: Of the run.
      epoch: int64 variable, read whenever iteration begins.
    """
    training, steps = recipe.training, lengths(features)

    def example_of_epoch(number: tf.Tensor) -> Callable[..., Row]:
        def pick(index: tf.Tensor, example: dict[str, tf.Tensor]) -> Row:
            draw = tf.random.experimental.stateless_fold_in(
                tf.random.experimental.stateless_fold_in([seed, 1], tf.cast(number, tf.int32)), tf.cast(index, tf.int32)
            )
            variants = tf.size(example["splits"]) - 1
            variant = tf.random.stateless_uniform([], draw, 0, variants, tf.int32)
            values = example["features"][example["splits"][variant] : example["splits"][variant + 1]]
            if recipe.augment_features is not None:
                values = recipe.augment_features(values, tf.random.experimental.stateless_fold_in(draw, 1))
                values = tf.ensure_shape(values, features.element_spec["features"].shape)
            return values, example["target"], example["splits"][1]

        return pick

    def whole_epoch(_: tf.Tensor) -> tf.data.Dataset:
        number = epoch.read_value()
        order = number + 1_000_003 * (seed + 1)
        shuffled = features.enumerate().shuffle(len(steps), seed=order, reshuffle_each_iteration=False)
        picked = shuffled.map(example_of_epoch(number), num_parallel_calls=tf.data.AUTOTUNE)
        return _bucketed(picked, steps, training.batch_size)

    made = tf.data.Dataset.range(1).flat_map(whole_epoch).prefetch(tf.data.AUTOTUNE)
    return made.apply(tf.data.experimental.assert_cardinality(steps_per_epoch(steps, training.batch_size)))


def plain_batches(features: tf.data.Dataset, *, batch_size: int) -> tf.data.Dataset:
    """Bucketed batches `((features, length), target)` of the plain features, the same at every pass.

    Args:
      features: As `prepare` gives them.
      batch_size: Examples per batch.
    """
    steps = lengths(features)

    def plain(example: dict[str, tf.Tensor]) -> Row:
        return example["features"][: example["splits"][1]], example["target"], example["splits"][1]

    made = _bucketed(features.map(plain), steps, batch_size).prefetch(tf.data.AUTOTUNE)
    return made.apply(tf.data.experimental.assert_cardinality(steps_per_epoch(steps, batch_size)))


def _bucketed(rows: tf.data.Dataset, steps: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Buckets go by the plain features' steps, so that every epoch has as many batches: Keras expects it."""
    bounds = boundaries(steps)
    with_length = rows.map(lambda values, target, plain: ((values, tf.shape(values)[0]), target, plain))
    buckets = with_length.bucket_by_sequence_length(
        lambda inputs, target, plain: tf.cast(plain, tf.int32),
        bucket_boundaries=bounds,
        bucket_batch_sizes=[batch_size] * (len(bounds) + 1),
    )
    return buckets.map(lambda inputs, target, plain: (inputs, target))
