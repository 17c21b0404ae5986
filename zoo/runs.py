"""One run of a recipe, from its name to a proved SavedModel in the record."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import attention, catalog, features, forecasts, ink_pictures, kept, kernels, posteriors, publish, tracking
from zoo.chain import Chain, answer_all, truths
from zoo.datasets import own
from zoo.datasets.limit import limited
from zoo.describe import describe
from zoo.evaluate import Evaluation, evaluate
from zoo.export import export
from zoo.fit import Keeper, class_weights, fit
from zoo.learnable import learnable
from zoo.pretrain import pretrain
from zoo.progress import Silent, choose
from zoo.recipe import Recipe
from zoo.record import Record
from zoo.types import Answers, Dataset, RunError, RunResult, Source, UsageError


def run(
    recipe: str | Path,
    *,
    sample: bool = False,
    data: str | Path | None = None,
    manual_dir: str | Path | None = None,
    seed: int = 0,
    name: str | None = None,
    limit: int | None = None,
    test: bool = True,
    require_cudnn: bool = False,
    progress: str = "auto",
    **settings: Any,
) -> RunResult:
    """Runs a recipe: data, features, training, test, export with its proof, all in one MLflow run.

    Args:
      recipe: A name from `zoo list`, or the path of a recipe file.
      sample: Use the small data set that ships with the zoo.
      data: The user's own data, in the format of the recipe's task.
      manual_dir: Folder with the publisher's archive.
      seed: Of weights, shuffling, augmentation and generated data.
      name: Of the run; MLflow makes one up without.
      limit: Use at most so many examples of each split.
      test: Score the test split; without, the validation split stands in for the proof.
      require_cudnn: Stop before anything is prepared unless a GPU with cuDNN is visible.
      progress: "auto", "plain" or "silent".
      **settings: The recipe's own settings.

    Returns:
      Metrics, baseline, and where the export is.

    Raises:
      UsageError: A setting, a path or the data is wrong; nothing was recorded.
      RunError: Training, export or proof failed; the run is in MLflow as FAILED, with the reason.
    """
    begun = time.monotonic()
    file = catalog.find(str(recipe))
    built = catalog.load(file, settings)
    if require_cudnn:
        kernels.require()
    shown = choose(progress)
    try:
        shown.say(f"recipe {file}")
        shown.start("reading data", 0)
        dataset = load_data(built, sample=sample, data=data, manual_dir=manual_dir, seed=seed, limit=limit)
        params = {**catalog.defaults(file), **settings, "seed": seed}
        params |= {"limit": limit} if limit is not None else {}
        if dataset.origin == "sample" and built.sample_epochs is not None and "epochs" not in settings:
            params["epochs"] = built.sample_epochs
            training = dataclasses.replace(built.training, epochs=built.sample_epochs)
            built = dataclasses.replace(built, training=training)
        with Record(file.stem, file, name, params, dataset.origin) as record:
            receipt = kernels.Receipt(shown.say, require_cudnn)
            result = _recorded(built, dataset, file, record, shown, receipt, seed=seed, test=test, begun=begun)
    finally:
        shown.close()
    return result


def load_data(
    recipe: Recipe,
    *,
    sample: bool = False,
    data: str | Path | None = None,
    manual_dir: str | Path | None = None,
    seed: int = 0,
    limit: int | None = None,
) -> Dataset:
    """The data that a run of the recipe would use; arguments as of `run`.

    Raises:
      UsageError: Two sources of data are given, or the data does not fit the recipe.
      BadData: The user's own data has faults.
    """
    if sample and data is not None:
        raise UsageError(f"`--sample` and `--data` exclude each other, got both (--data {data}). Give one.")
    if limit is not None and limit < 1:
        raise UsageError(f"`--limit` must be at least 1 example, got {limit}.")
    source = Source(manual_dir=Path(manual_dir) if manual_dir else None, seed=seed)
    if data is not None:
        dataset = own.load(Path(data), recipe.input, recipe.task.name, seed=seed)
    else:
        dataset = (recipe.sample if sample else recipe.dataset)(source)
    if not recipe.input.accepts(dataset.input):
        raise UsageError(f"the data must give {recipe.input}, and {dataset.name} gives {dataset.input}.")
    return dataset if limit is None else limited(dataset, limit)


def _recorded(
    recipe: Recipe,
    dataset: Dataset,
    file: Path,
    record: Record,
    shown: Silent,
    receipt: kernels.Receipt,
    *,
    seed: int,
    test: bool,
    begun: float,
) -> RunResult:
    # Not before the record: MLflow draws run names from the same generator. Not 0: TensorFlow compares a global seed
    # of 0 with the tensor that seeds the shuffle, and fails.
    keras.utils.set_random_seed(seed + 1)
    _introduce(dataset, record, shown)
    chain = Chain(recipe, dataset.input, dataset.target, dataset.splits["train"])
    splits = ["train", "val", *(dataset.tests if test else ())]
    if recipe.pretraining is not None and recipe.pretraining.epochs:
        splits += [split for split in dataset.splits if split == "unlabelled"]
    prepared = _learnable(recipe, chain, prepare_all(recipe, chain, dataset, splits, seed, shown), record, shown)
    keeper = train(recipe, chain, prepared, record, shown, seed, receipt)
    record.tags({"kernels": "; ".join(f"{layer} {kernel}" for layer, kernel in receipt.kernels.items())})
    record.metrics(
        {"kept_epoch": keeper.epoch + 1, **{f"kept_{name}": value for name, value in keeper.metrics.items()}}
    )
    kept.keep(record.run_id, chain, dataset, record.params)
    record.picture("learning_curve", record.learning_curve())

    shown.say("evaluating")
    answers = {split: answer_all(chain, dataset.splits[split]) for split in (dataset.tests if test else ("val",))}
    evaluations = [evaluate(recipe.task, dataset, split, prepared, answers[split]) for split in answers if test]
    for evaluation in evaluations:
        evaluation.log(record)
    record.metrics({f"published_{name}": value for name, value in dataset.published.items()} if test else {})
    for drawn in (attention.pictures, forecasts.pictures, ink_pictures.pictures, posteriors.pictures):
        for name, figure in drawn(chain, dataset, next(iter(answers)), answers).items():
            record.picture(name, figure)
    folder = _exported(chain, dataset, answers, record, shown)
    publish.model(file, chain, dataset, folder)
    seconds = time.monotonic() - begun
    record.metrics({"seconds": seconds})
    result = _result(record, file, dataset, keeper, evaluations, receipt.kernels, folder, seconds)
    publish.card(record, file, dataset, result)
    return result


def _introduce(dataset: Dataset, record: Record, shown: Silent) -> None:
    """Says and records which data it is, and what of it cannot be used."""
    record.dataset(dataset)
    sizes = ", ".join(f"{size} {split}" for split, size in dataset.sizes.items())
    shown.say(f"data {dataset.name} {dataset.version} ({dataset.origin}): {sizes}")
    if dataset.left_out:
        record.text("left_out.txt", "\n".join(dataset.left_out) + "\n")
        shown.say(
            f"{len(dataset.left_out)} examples cannot be used, see left_out.txt; the first: {dataset.left_out[0]}"
        )
    if dataset.target.series is not None:
        frequency, season = dataset.target.series.frequency or "counts", dataset.target.series.season
        shown.say(f"steps of `{frequency}`, " + (f"a season has {season} of them" if season > 1 else "no season"))


def _learnable(
    recipe: Recipe, chain: Chain, prepared: dict[str, tf.data.Dataset], record: Record, shown: Silent
) -> dict[str, tf.data.Dataset]:
    """Features without what the task cannot learn, which is counted."""
    if not hasattr(recipe.task, "fits"):
        return prepared
    prepared, left_out = learnable(recipe, chain, prepared)
    record.metrics({f"{split}_left_out": count for split, count in left_out.items()})
    for split, count in left_out.items():
        if count:
            shown.say(f"{count} {split} examples are left out: their texts need more frames than they have")
    return prepared


def prepare_all(
    recipe: Recipe, chain: Chain, dataset: Dataset, splits: list[str], seed: int, shown: Silent
) -> dict[str, tf.data.Dataset]:
    """Features of each split; train with its variants."""
    shown.start("features", sum(dataset.sizes[split] for split in splits))
    return {
        split: features.prepare(
            recipe,
            chain,
            dataset,
            split,
            variants=recipe.training.variants if split == "train" else 1,
            seed=seed,
            advance=shown.advance,
        )
        for split in splits
    }


def train(
    recipe: Recipe,
    chain: Chain,
    prepared: Mapping[str, tf.data.Dataset],
    record: Record,
    shown: Silent,
    seed: int,
    receipt: kernels.Receipt,
) -> Keeper:
    """Fits the chain's network on prepared features and leaves the weights to keep in it.

    Raises:
      RunError: The loss was not a number.
    """
    size = recipe.training.batch_size
    weights = class_weights(features.first_variant(prepared["train"])[1]) if recipe.training.balance else None
    try:
        if recipe.pretraining is not None and recipe.pretraining.epochs:
            examples = [prepared[split] for split in ("train", "unlabelled") if split in prepared]
            pretrain(recipe, chain, examples, seed=seed, progress=shown, log=record.pretraining)
        return fit(
            chain.network,
            recipe.task,
            recipe.training,
            features.train_batches(prepared["train"], recipe, seed=seed),
            features.plain_batches(prepared["val"], batch_size=size, forced=recipe.task.forced),
            steps_per_epoch=features.batches_per_epoch(prepared["train"], size),
            progress=shown,
            log=record.epoch,
            class_weight=weights,
            callbacks=[receipt],
        )
    except FloatingPointError as error:
        raise RunError(str(error)) from error


def _exported(chain: Chain, dataset: Dataset, answers: Mapping[str, Answers], record: Record, shown: Silent) -> Path:
    shown.say("exporting and proving")
    split = next(iter(answers))
    _, truth = truths(dataset.splits[split])
    examples: list[np.ndarray] = [example["input"] for example in dataset.splits[split].as_numpy_iterator()]
    folder = tracking.folder() / "exports" / record.run_id
    proof = export(chain, folder, examples=examples, truth=truth, expected=answers[split])
    record.text("proof.json", proof.to_json())
    record.tags({"proof": "passed" if proof.passed else "failed"})
    if not proof.passed:
        more = f" ({len(proof.faults) - 1} more in proof.json)" if len(proof.faults) > 1 else ""
        raise RunError(f"the export was refused, its proof failed: {proof.faults[0]}{more}")
    record.tags({tracking.EXPORT_TAG: str(folder)})
    return folder


def _result(
    record: Record,
    file: Path,
    dataset: Dataset,
    keeper: Keeper,
    evaluations: list[Evaluation],
    receipt: dict[str, str],
    folder: Path,
    seconds: float,
) -> RunResult:
    measured = {name: value for evaluation in evaluations for name, value in evaluation.metrics.items()}
    return RunResult(
        run_id=record.run_id,
        name=record.name,
        recipe=file.stem,
        data=dataset.origin,
        metrics={**keeper.metrics, **measured},
        baseline={name: value for evaluation in evaluations for name, value in evaluation.baseline.items()},
        kernels=receipt,
        seconds=round(seconds, 1),
        export=str(folder),
        proof="passed",
    )


def data(recipe: str | Path, **options: Any) -> dict[str, Any]:
    """What data a run would use, prepared; as of `zoo.describe.describe`.

    Args:
      recipe: As of `run`.
      **options: `sample`, `data`, `manual_dir`, `seed`, `limit` as of `run`; all else are settings.
    """
    choices = {name: options.pop(name) for name in ("sample", "data", "manual_dir", "seed", "limit") if name in options}
    dataset = load_data(catalog.load(catalog.find(str(recipe)), options), **choices)
    return describe(dataset)
