"""One run of a recipe, from its name to a proved SavedModel in the record."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo import catalog, kept, kernels, publish, tracking
from zoo.chain import Chain, answer_all, truths
from zoo.checkpoint import Checkpoints
from zoo.datasets.cache import cache_dir
from zoo.datasets.unchanged_files import unchanged
from zoo.describe import describe
from zoo.disk import room
from zoo.distributed import devices, workers
from zoo.distributed.replicas import Replicas
from zoo.evaluate import Evaluation, evaluate
from zoo.export import export
from zoo.fit import Keeper
from zoo.interrupt import Stop
from zoo.loading import load_data
from zoo.pictures import attention, forecasts, inks, posteriors
from zoo.progress import Silent, choose
from zoo.proof import MOST_EXAMPLES
from zoo.recipe import Recipe
from zoo.record import Record
from zoo.request import Request
from zoo.saver import Saver
from zoo.training import learnable, prepare_all, train
from zoo.types import Answers, Dataset, Halted, RunError, RunResult

RESULT = "result.json"  # in the run's folder, until the store has all of the record


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
    devices: int = 1,
    progress: str = "auto",
    **settings: Any,
) -> RunResult | None:
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
      devices: Train on so many GPUs of this machine, or logical devices of its CPU where it has none.
      progress: "auto", "plain" or "silent".
      **settings: The recipe's own settings.

    Returns:
      Metrics, baseline, and where the export is; None from a worker that is not the chief.

    Raises:
      UsageError: A setting, a path or the data is wrong; nothing was recorded.
      RunError: Training, export or proof failed; the run is in MLflow as FAILED, with the reason.
    """
    request = Request(
        file=catalog.find(str(recipe)),
        settings=settings,
        sample=sample,
        data=None if data is None else Path(data),
        manual_dir=None if manual_dir is None else Path(manual_dir),
        seed=seed,
        name=name,
        limit=limit,
        test=test,
        require_cudnn=require_cudnn,
        devices=devices,
    )
    return carry_out(request, choose(progress))


def carry_out(
    request: Request,
    shown: Silent,
    resumed: str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RunResult | None:
    """Does what was asked, from the start or from where a run was left.

    Args:
      request: What to do.
      shown: Shows it, and is closed.
      resumed: Id of the run to go on with.
      callbacks: See each epoch of the training.

    Returns:
      As of `run`.

    Raises:
      UsageError, RunError: As of `run`, or a resumed run would see other data.
    """
    begun, run_id = time.monotonic(), resumed
    try:
        replicas = devices.start(request.devices, shown.say)
        chief = replicas is None or replicas.chief
        shown = shown if chief else workers.Aside(shown, replicas)
        latest = Checkpoints(tracking.run_folder(resumed)).latest(shown.say) if resumed else None
        request, latest = workers.share(replicas, request, latest)
        built, params = _built(request)
        if request.require_cudnn:
            kernels.require()
        with Stop() as stop:
            shown.say(f"recipe {request.file}")
            shown.start("reading data", 0)
            with room("the data", cache_dir()):
                dataset = load_data(built, **request.source())
            request.check(dataset)
            workers.same_data(replicas, dataset)
            params |= {} if replicas is None else replicas.about
            about = request.file.stem, request.file, request.name, params, dataset.origin
            with Record(*about, shown.say, resumed) if chief else workers.Unrecorded() as record, unchanged():
                run_id = record.run_id
                if chief and resumed is None:
                    dataclasses.replace(request, fingerprint=dataset.fingerprint).keep(record.folder)
                checkpoints = Checkpoints(record.folder) if chief else workers.Unkept()
                saver = Saver(checkpoints, stop, latest, replicas and replicas.vote)
                result = _recorded(built, dataset, request, record, shown, saver, begun, callbacks, replicas)
            workers.end_together(replicas)
            return result
    except (KeyboardInterrupt, SystemExit, Halted):
        if run_id is not None:
            shown.say(f"go on with this run by `zoo resume {run_id[:8]}`")
        raise
    finally:
        shown.close()


def _built(request: Request) -> tuple[Recipe, dict[str, Any]]:
    """The recipe, and the parameters to record."""
    settings = dict(request.settings)
    recipe = catalog.load(request.file, settings)
    if request.sample and recipe.sample_settings:
        settings = {**recipe.sample_settings, **settings}
        recipe = catalog.load(request.file, settings)
    params = {**catalog.defaults(request.file), **settings, "seed": request.seed}
    return recipe, params | ({"limit": request.limit} if request.limit is not None else {})


def _recorded(
    recipe: Recipe,
    dataset: Dataset,
    request: Request,
    record: Record,
    shown: Silent,
    saver: Saver,
    begun: float,
    callbacks: Sequence[keras.callbacks.Callback],
    replicas: Replicas | None,
) -> RunResult | None:
    # Not before the record: MLflow draws run names from the same generator. Not 0: TensorFlow compares a global seed
    # of 0 with the tensor that seeds the shuffle, and fails.
    file, seed, test = request.file, request.seed, request.test
    keras.utils.set_random_seed(seed + 1)
    before = saver.fact("seconds", 0.0)
    saver.facts["seconds"] = lambda: before + time.monotonic() - begun
    record.introduce(dataset)
    chain = Chain(recipe, dataset.input, dataset.target, dataset.splits["train"])
    learns_more = recipe.pretraining is not None and recipe.pretraining.epochs and "unlabelled" in dataset.splits
    splits = ["train", "val", *(dataset.tests if test else ()), *(["unlabelled"] if learns_more else ())]
    prepared = learnable(recipe, chain, prepare_all(recipe, chain, dataset, splits, seed, shown), record, shown)
    receipt = kernels.Receipt(shown.say, request.require_cudnn)
    keeper = train(recipe, chain, prepared, record, shown, seed, receipt, saver, callbacks, replicas)
    if replicas is not None and not replicas.chief:
        shown.start("trained, the chief does the rest", 0)
        return None
    record.tags({"kernels": "; ".join(f"{layer} {kernel}" for layer, kernel in receipt.kernels.items())})
    record.metrics(
        {"kept_epoch": keeper.epoch + 1, **{f"kept_{name}": value for name, value in keeper.metrics.items()}}
    )
    kept.keep(record.run_id, chain, dataset, record.params)
    record.picture("learning_curve", record.learning_curve())

    evaluations, folder = ([], None) if request.trial else _tested(chain, dataset, prepared, request, record, shown)
    seconds = saver.facts["seconds"]()
    record.metrics({"seconds": seconds})
    result = _result(record, file, dataset, keeper, evaluations, receipt.kernels, folder, seconds)
    if folder is not None:
        publish.card(record, file, dataset, result)
    (record.folder / RESULT).write_text(json.dumps(dataclasses.asdict(result)), encoding="utf-8")
    return result


def _tested(
    chain: Chain,
    dataset: Dataset,
    prepared: Mapping[str, tf.data.Dataset],
    request: Request,
    record: Record,
    shown: Silent,
) -> tuple[list[Evaluation], Path]:
    """Figures on the test splits, and the proved export, which is then a model in MLflow."""
    test, task = request.test, chain.task
    shown.say("evaluating")
    answers = {split: answer_all(chain, dataset.splits[split]) for split in (dataset.tests if test else ("val",))}
    evaluations = [evaluate(task, dataset, split, prepared, answers[split]) for split in answers if test]
    for evaluation in evaluations:
        evaluation.log(record)
    record.metrics({f"published_{name}": value for name, value in dataset.published.items()} if test else {})
    for drawn in (attention.pictures, forecasts.pictures, inks.pictures, posteriors.pictures):
        for name, figure in drawn(chain, dataset, next(iter(answers)), answers).items():
            record.picture(name, figure)
    folder = _exported(chain, dataset, answers, record, shown)
    publish.model(record, request.file, chain, dataset, folder)
    return evaluations, folder


def _exported(chain: Chain, dataset: Dataset, answers: Mapping[str, Answers], record: Record, shown: Silent) -> Path:
    shown.say("exporting and proving")
    split = next(iter(answers))
    used = dataset.splits[split].take(MOST_EXAMPLES)
    _, truth = truths(used)
    examples: list[np.ndarray] = [example["input"] for example in used.as_numpy_iterator()]
    folder = tracking.folder() / "exports" / record.run_id
    shutil.rmtree(folder, ignore_errors=True)  # of the same run, before it was cut off
    with room("the export", folder.parent):
        proof = export(chain, folder, examples=examples, truth=truth, expected=answers[split])
    record.text("proof.json", proof.to_json())
    record.tags({"proof": "passed" if proof.passed else "failed"})
    if not proof.passed:
        more = f" ({len(proof.faults) - 1} more in proof.json)" if len(proof.faults) > 1 else ""
        raise RunError(f"the export was refused, its proof failed: {proof.faults[0]}{more}")
    record.metrics({"latency_ms": proof.latency_ms, "weights": chain.network.count_params()})
    record.tags({tracking.EXPORT_TAG: str(folder)})
    return folder


def _result(
    record: Record,
    file: Path,
    dataset: Dataset,
    keeper: Keeper,
    evaluations: list[Evaluation],
    receipt: dict[str, str],
    folder: Path | None,
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
        export=None if folder is None else str(folder),
        proof="none" if folder is None else "passed",
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
