"""One contract that every recipe keeps, tried on random data that fits its specs, offline and in seconds."""

from __future__ import annotations

import ast
import dataclasses
import io
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from zoo import catalog, features, kernels
from zoo.chain import Chain, answer_all
from zoo.datasets import windows
from zoo.export import export
from zoo.fit import fit
from zoo.progress import Silent
from zoo.recipe import Recipe
from zoo.types import Dataset, Spec

EXAMPLES = 24
EPOCHS = 8
CLASSES = ("first", "second", "third")
SYLLABLES = ("ba", "do", "fi", "gu", "ke", "la", "mo", "nu")
Finding = tuple[str, bool, str]


def check(recipe: str | Path, **settings: Any) -> list[Finding]:
    """Tries a recipe against the contract.

    Args:
      recipe: A name, or the path of a recipe file.
      **settings: For the training and the export; all else is tried with the defaults.

    Returns:
      What was tried, whether it holds, and a detail; a test that raised does not hold, with the error as its detail.
    """
    file = catalog.find(str(recipe))
    return [_try(what, test, file) for what, test in _contract(settings)]


def _contract(settings: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[Path], str]]]:
    yield "header is complete", _header
    yield "imports only zoo", _imports
    yield "two calls give equal settings", _settings
    yield "runs when copied elsewhere", _copied
    yield "every LSTM is cuDNN's on a GPU", _cudnn
    yield (
        "loss falls, output fits, saved, reloaded and exported answers are equal",
        partial(_trained, settings=settings),
    )


def _try(what: str, test: Callable[[Path], str], file: Path) -> Finding:
    try:
        return what, True, test(file)
    except Exception as error:  # whatever a recipe raises is the finding
        return what, False, f"{type(error).__name__}: {error}"


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)


def _header(file: Path) -> str:
    header = catalog.header(file)
    return f"result: {header.result}"


def _imports(file: Path) -> str:
    imports = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
    names += [str(node.module) for node in imports if isinstance(node, ast.ImportFrom)]
    allowed = {"zoo", "typing", "__future__"}
    _demand(
        set(names) <= allowed, f"a recipe imports only zoo and typing, got {', '.join(sorted(set(names) - allowed))}"
    )
    return ", ".join(names)


def _settings(file: Path) -> str:
    first, second = (catalog.load(file, {}) for _ in range(2))
    plain = ("input", "task", "training")
    for name in plain:
        _demand(getattr(first, name) == getattr(second, name), f"{name} differs between two calls of recipe()")
    _demand(catalog.settings(file) == catalog.settings(file), "settings differ between two readings")
    catalog.load(file, first.sample_settings)
    return f"{len(catalog.settings(file))} settings"


def _copied(file: Path) -> str:
    with tempfile.TemporaryDirectory() as elsewhere:
        copy = Path(shutil.copy(file, Path(elsewhere) / f"copied_{file.name}"))
        here, there = catalog.load(file, {}), catalog.load(catalog.find(str(copy)), {})
        _demand(here.training == there.training and here.input == there.input, "the copy gives another recipe")
        _network(there)
    return "the same recipe"


def _cudnn(file: Path) -> str:
    chain = _network(catalog.load(file, {}))
    obstacles = kernels.obstacles(chain.network, chain.features, chain.task.forced)
    slow = [f"{layer}: {obstacle}" for layer, obstacle in obstacles.items() if obstacle]
    _demand(not slow, f"not on cuDNN: {'; '.join(slow)}")
    _demand(bool(obstacles), "there is no LSTM layer")
    return f"{len(obstacles)} LSTM layers"


def _trained(file: Path, settings: Mapping[str, Any]) -> str:
    recipe = catalog.load(file, settings)
    recipe = dataclasses.replace(
        recipe,
        training=dataclasses.replace(
            recipe.training,
            epochs=EPOCHS,
            batch_size=8,
            variants=min(2, recipe.training.variants),
            average=0.0,
            warmup=0.1,
        ),
    )
    keras.utils.set_random_seed(1)
    dataset = random_data(recipe)
    chain = Chain(recipe, dataset.input, dataset.target, dataset.splits["train"])
    prepared = {split: _uncached(recipe, chain, dataset, split) for split in ("train", "val")}
    losses: list[float] = []
    fit(
        chain.network,
        recipe.task,
        recipe.training,
        lambda first: features.train_batches(prepared["train"], recipe, seed=0, first=first),
        features.plain_batches(prepared["val"], batch_size=8, forced=recipe.task.forced),
        steps_per_epoch=features.batches_per_epoch(prepared["train"], 8),
        progress=Silent(),
        log=lambda metrics, _: losses.append(metrics["train_loss"]),
    )
    _demand(min(losses[1:]) < losses[0], f"the loss does not fall on random data: {losses}")
    before = answer_all(chain, dataset.splits["test"])
    with tempfile.TemporaryDirectory() as scratch:
        chain.network.save(Path(scratch) / "network.keras")
        chain.network = keras.models.load_model(Path(scratch) / "network.keras", compile=False)
        after = answer_all(chain, dataset.splits["test"])
        for name, value in before.items():
            _demand(len(value) == EXAMPLES, f"{name} has {len(value)} rows for {EXAMPLES} examples")
            if np.issubdtype(value.dtype, np.floating):
                _demand(np.allclose(value, after[name], atol=1e-6), f"{name} differs after saving and loading")
        truth = np.stack([example["target"] for example in dataset.splits["test"].as_numpy_iterator()])
        examples = [example["input"] for example in dataset.splits["test"].as_numpy_iterator()]
        proof = export(chain, Path(scratch) / "export", examples=examples, truth=truth, expected=after)
    _demand(proof.passed, f"the export's proof failed: {proof.faults}")
    return f"loss {losses[0]:.3f} to {min(losses):.3f}, export differs by {proof.largest_difference:.1e}"


def _uncached(recipe: Recipe, chain: Chain, dataset: Dataset, split: str) -> tf.data.Dataset:
    variants = recipe.training.variants if split == "train" else 1
    return features.compute(recipe, chain, dataset.splits[split], variants, 0).cache()


def _random_value(draws: np.random.Generator, spec: Spec, steps: int) -> np.ndarray | bytes:
    if spec.kind == "text":
        return " ".join(f"{draws.choice(SYLLABLES)}{draws.choice(SYLLABLES)}" for _ in range(steps)).encode()
    if spec.kind == "image":
        return _random_image(draws, steps)
    values = draws.uniform(-0.5, 0.5, (steps, *spec.shape[1:]))
    if spec.kind == "ink":
        values[:, 2] = draws.uniform(size=steps) < 0.1  # a stroke is ten points on the average
    return (np.round(values * 32768) / 32768).astype(spec.dtype)


def _random_image(draws: np.random.Generator, width: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(draws.integers(0, 256, (20, 4 * width)).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def _network(recipe: Recipe) -> Chain:
    data = random_data(recipe)
    return Chain(recipe, data.input, data.target, data.splits["train"])


def random_target(recipe: Recipe) -> Spec:
    """A target that the recipe's task can learn: three classes, once or at every step, a text, or one number."""
    if recipe.task.name == "step_classification":
        return Spec(name="labels", kind="label", shape=(None,), dtype="int32", axes=("step",), classes=CLASSES)
    if recipe.task.name == "classification":
        return Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=CLASSES)
    if recipe.task.name in ("translation", "transcription"):
        return Spec(name="text", kind="text", shape=(), dtype="string", axes=())
    return Spec(name="value", kind="value", shape=(), dtype="float32", axes=())


def random_data(recipe: Recipe, seed: int = 0) -> Dataset:
    """Random examples that fit the recipe's input, of several lengths, the shortest a single step.

    Where every step has a label, all examples are of one length.

    Args:
      recipe: Says what its input and task are.
      seed: Of the draws.
    """
    if recipe.input.series is not None:
        return _random_series(recipe.input, seed)
    draws = np.random.default_rng(seed)
    longest = recipe.input.rate_hz // 2 if recipe.input.rate_hz else 40
    lengths = [1, *draws.integers(longest // 4, longest, EXAMPLES - 1)]
    target = random_target(recipe)
    if target.shape:
        lengths = [longest] * EXAMPLES
    inputs = [_random_value(draws, recipe.input, steps) for steps in lengths]
    if target.shape:
        values = np.indices((EXAMPLES, longest), np.int32).sum(axis=0) % len(CLASSES)
    elif target.kind == "text":
        words = 8 if recipe.task.name == "translation" else 2  # a transcript has to fit into its sound
        values = [_random_value(draws, target, steps) for steps in draws.integers(1, words, EXAMPLES)]
    else:
        values = np.arange(EXAMPLES) % len(CLASSES) if target.classes else draws.uniform(-1, 1, EXAMPLES)
    rows = [
        {"id": f"{number}", "input": value, "target": truth}
        for number, (value, truth) in enumerate(zip(inputs, values, strict=True))
    ]
    signature = {
        "id": tf.TensorSpec([], tf.string),
        "input": tf.TensorSpec(recipe.input.shape, recipe.input.dtype),
        "target": tf.TensorSpec(target.shape, target.dtype),
    }
    examples = tf.data.Dataset.from_generator(lambda: iter(rows), output_signature=signature)
    examples = examples.apply(tf.data.experimental.assert_cardinality(EXAMPLES))
    splits = ("train", "val", "test")
    return Dataset(
        name="random",
        version="",
        origin="generated",
        input=recipe.input,
        target=target,
        splits=dict.fromkeys(splits, examples),
        sizes=dict.fromkeys(splits, EXAMPLES),
        fingerprint=f"random-{seed}",
        citation="",
        licence="none needed, generated",
    )


def _random_series(input: Spec, seed: int) -> Dataset:
    """Windows over waves with noise, one series or two as the input takes; all splits are the same."""
    draws, known = np.random.default_rng(seed), len(input.series.known)
    steps = windows.look_back(input) + input.series.ahead + EXAMPLES - 1
    count = 2 if input.shape[1] is None else 1
    waves = 5 + np.sin(np.arange(steps) / 4)[:, None] * np.ones(count) + draws.normal(0, 0.1, (steps, count))
    table = windows.Table(
        times=tuple(str(step) for step in range(steps)),
        names=tuple(f"series {number}" for number in range(count)),
        values=waves,
        known=input.series.known,
        known_values=draws.uniform(-1, 1, (steps, known)) if known else None,
    )
    made = windows.as_dataset(
        [table],
        [(steps, steps, steps)],
        input,
        standardise=count > 1,
        name="random",
        version="",
        origin="generated",
        citation="",
        licence="none needed, generated",
    )
    splits = ("train", "val", "test")
    return dataclasses.replace(
        made,
        splits=dict.fromkeys(splits, made.splits["train"]),
        sizes=dict.fromkeys(splits, EXAMPLES),
        references={},
    )
