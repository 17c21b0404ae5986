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
from zoo.chain import Chain, steps
from zoo.datasets.cache import cache_dir, discard, is_sound, seal
from zoo.disk import room
from zoo.recipe import Recipe
from zoo.types import Dataset

BUCKETS = 16  # more pad less, but sort more examples at once
IN_MEMORY_BYTES = 2 << 30  # features of a split up to this size are held in memory
SHUFFLED_BYTES = 1 << 30  # windows of a table overlap, so the epoch's shuffle may hold more than the table
MEASURED = 64  # examples whose size says how many the epoch's shuffle may hold where they have several lengths
FRONTEND_BATCH = 32
PREFETCHED = 32  # batches; enough that an epoch begins before the one before it has ended
Row = tuple[tf.Tensor, tf.Tensor]  # features and target of one example


def cache_key(recipe: Recipe, chain: Chain, dataset: Dataset, split: str, variants: int, seed: int) -> str:
    """Names the cached features: data, frontend with its state, and the code of layers and augmentation."""
    parts = ["cache file with checksum", dataset.fingerprint, split, str(dataset.sizes[split]), state_key(chain)]
    if variants > 1 and recipe.augment_raw is not None:
        draws = recipe.augment_raw
        captured = [cell.cell_contents for cell in draws.__closure__ or ()]
        parts += [str(variants), str(seed), inspect.getsource(draws), repr(captured)]
    if variants > 1 and dataset.vary is not None:
        parts += [str(variants), str(seed), inspect.getsource(inspect.getmodule(dataset.vary))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def state_key(chain: Chain) -> str:
    """Changes with what makes features and labels of raw examples: layers, what they have learnt, and their code."""
    frontend = chain.frontend
    parts = [str(chain.features), json.dumps(chain.features.classes)]
    if frontend is not None:
        parts += [type(frontend).__name__, json.dumps(frontend.get_config(), sort_keys=True, default=str)]
        parts += [hashlib.sha256(weight.numpy().tobytes()).hexdigest() for weight in frontend.weights]
    if chain.labels is not None:
        parts += [type(chain.labels).__name__, json.dumps(chain.labels.get_config(), sort_keys=True, default=str)]
        parts += [json.dumps(chain.target.classes)]
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
      recipe: Its `augment_raw` makes the variants, after the data set's own `vary`.
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
    if dataset.input.series is not None and chain.frontend is None and variants == 1:
        advance(dataset.sizes[split])
        return dataset.splits[split].map(_as_it_is)
    made = compute(recipe, chain, dataset.splits[split], variants, seed, dataset.vary)
    if chain.frontend is None:
        advance(dataset.sizes[split])
        return made.cache()
    path = cache_dir() / "features" / cache_key(recipe, chain, dataset, split, variants, seed)
    if path.exists() and not is_sound(path):
        discard(path, "cached features")
    if path.exists():
        advance(dataset.sizes[split])
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".partial-", dir=path.parent))
        try:
            with room("features", path.parent):
                (scratch / "made").mkdir()
                # Not `Dataset.save`: in TensorFlow 2.21 it never returns once an example has raised, nor to Ctrl-C.
                for _ in made.cache(str(scratch / "made" / "features")):
                    advance(1)
                seal(scratch / "made")
                _move(scratch / "made", path)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    features = made.cache(str(path / "features"))
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return features.cache() if size <= IN_MEMORY_BYTES else features


def _as_it_is(window: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """A window as features; it is cheap to cut out of the table, and kept it would be as many times as large."""
    values = window["input"]
    ends = tf.stack([0, tf.shape(values, tf.int64)[0]])
    return {"id": window["id"], "features": values, "splits": ends, "target": window["target"]}


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
    vary: Callable[..., dict[str, tf.Tensor]] | None = None,
) -> tf.data.Dataset:
    """Features of single raw examples, computed as they are read; arguments and elements as of `prepare`."""

    def drawn(example: dict[str, tf.Tensor], draw: tf.Tensor) -> tf.Tensor:
        values = example["input"] if vary is None else vary(example, draw)["input"]
        return values if recipe.augment_raw is None else recipe.augment_raw(values, draw)

    def variant(index: tf.Tensor, example: dict[str, tf.Tensor], number: tf.Tensor) -> dict[str, tf.Tensor]:
        values = example["input"]
        if variants > 1:
            draw = tf.random.experimental.stateless_fold_in([seed, 0], tf.cast(index * variants + number, tf.int32))
            values = tf.cond(number > 0, lambda: drawn(example, draw), lambda: values)
            values = tf.ensure_shape(values, examples.element_spec["input"].shape)
        return {**example, "input": values, "length": steps(values)}

    def copies(index: tf.Tensor, example: dict[str, tf.Tensor]) -> tf.data.Dataset:
        return tf.data.Dataset.range(variants).map(lambda number: variant(index, example, number))

    def frontend(batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        features, length = chain.to_features(batch["input"], batch["length"])
        rows = tf.RaggedTensor.from_tensor(features, lengths=length)
        return {"id": batch["id"], "target": batch["target"], "features": rows}

    def joined(group: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        rows, target = group["features"], group["target"][0]
        if chain.labels is not None:
            target = chain.labels(target[None], tf.constant([1]))[0][0]
        return {
            "id": group["id"][0],
            "target": tf.ensure_shape(target, chain.target.shape),
            "features": tf.ensure_shape(rows.values, chain.features.shape),
            "splits": rows.row_splits,
        }

    parallel = tf.data.AUTOTUNE
    plain = examples.enumerate().interleave(copies, cycle_length=1, num_parallel_calls=1)
    padded = plain.padded_batch(FRONTEND_BATCH).map(frontend, num_parallel_calls=parallel)
    return padded.unbatch().ragged_batch(variants).map(joined, num_parallel_calls=parallel)


def first_variant(features: tf.data.Dataset) -> tuple[list[np.ndarray], np.ndarray]:
    """Every example's plain features float32[time, feature], and the targets, in order; an array of objects where those
    have several lengths.
    """
    rows = [
        (example["features"][: example["splits"][1]], example["target"]) for example in features.as_numpy_iterator()
    ]
    targets = [row[1] for row in rows]
    if len({target.shape for target in targets}) > 1:
        return [row[0] for row in rows], np.array(targets, object)
    return [row[0] for row in rows], np.stack(targets)


def train_batches(features: tf.data.Dataset, recipe: Recipe, *, seed: int, first: int = 0) -> tf.data.Dataset:
    """Augmented, shuffled batches `((features, length: int32[batch]), target)` of examples of like length.

    Labels of several steps are padded with -1; a task that is forced gets `((features, length, target), target)`.

    One epoch follows another without end, so that the next is prepared while one is trained and validated. Every draw
    depends on (seed, epoch, example) alone, so that epoch n is the same however one got there.

    Args:
      features: As `prepare` gives them.
      recipe: Its `augment_features` and batch size.
      seed: Of the run.
      first: The epoch to begin with, counted from 0.
    """
    examples, size = count(features), recipe.training.batch_size

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
            return values, example["target"]

        return pick

    shuffled_at_once = min(examples, _fitting(features))

    def whole_epoch(number: tf.Tensor) -> tf.data.Dataset:
        order = number + 1_000_003 * (seed + 1)
        shuffled = features.enumerate().shuffle(shuffled_at_once, seed=order, reshuffle_each_iteration=False)
        picked = shuffled.map(example_of_epoch(number), num_parallel_calls=tf.data.AUTOTUNE)
        return _bucketed(picked, size, recipe.task.forced).shuffle(BUCKETS, seed=order, reshuffle_each_iteration=False)

    return tf.data.Dataset.counter(first).flat_map(whole_epoch).prefetch(PREFETCHED)


def _fitting(features: tf.data.Dataset) -> int:
    """How many examples may be held for shuffling; those of several lengths are measured by the first few."""
    spec = features.element_spec["features"]
    if spec.shape.is_fully_defined():
        return max(1, SHUFFLED_BYTES // (4 * spec.shape.num_elements()))
    sizes = [row["features"].nbytes for row in features.take(MEASURED).as_numpy_iterator()]
    return max(1, int(IN_MEMORY_BYTES / max(1.0, np.mean(sizes))))


def batches_per_epoch(features: tf.data.Dataset, batch_size: int) -> int:
    """How many batches of `train_batches` make an epoch; the last may be smaller."""
    return -(-count(features) // batch_size)


def plain_batches(features: tf.data.Dataset, *, batch_size: int, forced: bool = False) -> tf.data.Dataset:
    """Batches as `train_batches` makes them, of the plain features, the same at every pass.

    Args:
      features: As `prepare` gives them.
      batch_size: Examples per batch.
      forced: As of the task.
    """

    def plain(example: dict[str, tf.Tensor]) -> Row:
        return example["features"][: example["splits"][1]], example["target"]

    made = _bucketed(features.map(plain), batch_size, forced).prefetch(tf.data.AUTOTUNE)
    return made.apply(tf.data.experimental.assert_cardinality(batches_per_epoch(features, batch_size)))


def count(features: tf.data.Dataset) -> int:
    """Number of examples; where a pass over them has to tell, it also fills the cache in memory."""
    known = features.cardinality().numpy()
    if known >= 0:
        return int(known)
    return int(features.reduce(np.int64(0), lambda total, example: total + 1))


def _bucketed(rows: tf.data.Dataset, batch_size: int, forced: bool) -> tf.data.Dataset:
    """Sorts every `BUCKETS` batches' worth of rows by length and cuts them into batches.

    Buckets with fixed boundaries would pad as little, but the number of batches would differ from epoch to epoch with
    the draws of augmentation, and Keras takes that of the first for all.
    """
    shape, target_shape = (spec.shape for spec in rows.element_spec)
    alike = shape.is_fully_defined() and target_shape.is_fully_defined()
    if alike and not forced:  # there is nothing to sort or to pad
        return rows.batch(batch_size).map(
            lambda values, target: ((values, tf.fill(tf.shape(values)[:1], tf.shape(values)[1])), target)
        )

    def sort(values: tf.RaggedTensor, target: tf.Tensor) -> tf.data.Dataset:
        order = tf.argsort(values.row_lengths(), stable=True)
        window = tf.data.Dataset.from_tensor_slices((tf.gather(values, order), tf.gather(target, order)))
        return window.map(lambda row, truth: (tf.ensure_shape(row, shape), tf.ensure_shape(truth, target_shape)))

    def with_length(values: tf.Tensor, target: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
        return (values, tf.shape(values)[0], *([target] if forced else [])), target

    batched = rows.ragged_batch(BUCKETS * batch_size).flat_map(sort).map(with_length)
    padding = tf.constant(-1, rows.element_spec[1].dtype) if target_shape.rank else None
    return batched.padded_batch(batch_size, padding_values=((None, None, *([padding] if forced else [])), padding))
