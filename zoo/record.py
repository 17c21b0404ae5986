"""What one run writes into MLflow, from its first second to its end, however it ends."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import mlflow.data.code_dataset_source
import mlflow.data.meta_dataset
import pandas as pd
import psutil
import tensorflow as tf
from matplotlib.figure import Figure
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from mlflow.tracking.context import registry as context_registry
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

from zoo import process, tracking
from zoo.disk import room
from zoo.monitor import Monitor
from zoo.outbox import Outbox
from zoo.types import Dataset, RunError

PACKAGES = ("lstm-zoo", "tensorflow", "keras", "tensorflow-datasets", "mlflow", "numpy", "scikit-learn", "soundfile")
SECONDS = 120.0  # for the store to take the end of a run
SECONDS_AWAY = 60.0  # where it is known not to answer; a server takes about so long to be started again
SECONDS_KILLED = 1.5  # where somebody waits for the process to go


class Record:
    """A run in MLflow; used as a context, it ends FINISHED, FAILED with its reason, or KILLED.

    All goes through an `Outbox`, so that a store that is busy or away neither stops the run nor loses anything.

    Args:
      recipe: Name of the recipe, which names the experiment.
      file: The recipe's file.
      name: Of the run; MLflow makes one up without.
      params: Settings and the choices of the command.
      data: Where the data comes from.
      say: Called with what the user should know of the store.
      resumed: Id of the run that goes on; None for a new one.

    Raises:
      RunError: The store does not answer.
    """

    def __init__(
        self,
        recipe: str,
        file: Path,
        name: str | None,
        params: Mapping[str, Any],
        data: str,
        say: Callable[[str], None] = lambda line: None,
        resumed: str | None = None,
    ):
        with tracking.reached():
            client = tracking.open_store()
            run = self._new(client, recipe, file, name, data) if resumed is None else client.get_run(resumed)
        self.run_id, self.name = run.info.run_id, run.info.run_name
        self.folder = tracking.run_folder(self.run_id)
        self.params, self.file, self.resumed = dict(params), file, resumed is not None
        self.history: list[dict[str, float]] = []
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = tracking.lock(self.run_id)
        self.outbox = Outbox(self.folder, self.run_id, client, say)
        self.say, self._tables = say, json.loads(run.data.tags.get(MLFLOW_LOGGED_ARTIFACTS, "[]"))
        self._monitor = Monitor(self.outbox)

    @staticmethod
    def _new(client: MlflowClient, recipe: str, file: Path, name: str | None, data: str) -> Run:
        tags = {
            tracking.RECIPE_TAG: recipe,
            tracking.DATA_TAG: data,
            process.TAG: process.identity(),
            "command": process.command(),
            "mlflow.source.name": process.command(),
            "hardware": hardware(),
            **git(file.parent),
            **({"mlflow.runName": name} if name else {}),
        }
        tags = context_registry.resolve_tags(tags)
        experiment = tracking.experiment(client, recipe)
        tracking.mark_dead(client, [experiment])
        return client.create_run(experiment, tags=tags, run_name=name)

    def __enter__(self) -> Record:
        self.outbox.start()
        if self.resumed:
            self.outbox.add(tags={process.TAG: process.identity(), "resumed_by": process.command()})
            self.outbox.add(status="RUNNING", removed="reason")
        else:
            self.outbox.add(params=self.params)
            self._file(f"recipe/{self.file.name}", lambda place: place.write_bytes(self.file.read_bytes()))
            self.text("environment.json", json.dumps(versions(), indent=2) + "\n")
        self._monitor.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._monitor.finish()
        try:
            if error is None:
                self.outbox.add(status="FINISHED")
                if self.flush(SECONDS):
                    shutil.rmtree(self.folder)
                return
            killed = isinstance(error, (KeyboardInterrupt, SystemExit))
            why = getattr(error, "reason", "interrupted") if killed else error
            with contextlib.suppress(RunError):  # the error that ends the run is the one to be seen
                self.outbox.add(tags={"reason": tracking.reason(why)})
                self.outbox.add(status="KILLED" if killed else "FAILED")
                self.outbox.flush(SECONDS_KILLED if killed else SECONDS)
        finally:
            self.outbox.close()
            self._lock.release()

    def flush(self, seconds: float) -> bool:
        """Waits until the store has all that was recorded, a little only where it does not answer.

        Raises:
          RunError: The store refused something.
        """
        sent = self.outbox.flush(seconds, seconds if tracking.embedded() else SECONDS_AWAY)  # a file is busy, not away
        if not sent:
            self.say(
                f"the tracking store does not answer; {self.outbox.left()} entries of the record are kept, and "
                f"`zoo resume {self.run_id[:8]}` sends them when it does"
            )
        return sent

    def epoch(self, metrics: Mapping[str, float], epoch: int) -> None:
        """Logs an epoch's metrics at step epoch + 1, the number of epochs done."""
        self.history.append(dict(metrics))
        self.outbox.add(metrics=dict(metrics), step=epoch + 1)

    def pretraining(self, metrics: Mapping[str, float], epoch: int) -> None:
        """Logs the metrics of an epoch without labels at step epoch + 1."""
        self.outbox.add(metrics=dict(metrics), step=epoch + 1)

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Logs figures of the whole run."""
        self.outbox.add(metrics={name: float(value) for name, value in metrics.items()}, step=0)

    def tags(self, tags: Mapping[str, str]) -> None:
        """Sets tags."""
        if tags:
            self.outbox.add(tags=dict(tags))

    def dataset(self, dataset: Dataset) -> None:
        """Logs the data set, with its source and the sizes of its splits, as the run's input."""
        about = {
            "citation": dataset.citation,
            "licence": dataset.licence,
            "home": dataset.home,
            "version": dataset.version,
        }
        source = mlflow.data.code_dataset_source.CodeDatasetSource(about)
        made = mlflow.data.meta_dataset.MetaDataset(source, name=dataset.name, digest=dataset.fingerprint)
        sizes = {f"{split}_examples": str(size) for split, size in dataset.sizes.items()}
        about = {"mlflow.data.context": ", ".join(dataset.splits), **sizes, "licence": dataset.licence}
        made = made._to_mlflow_entity()  # what `mlflow.log_input` sends
        self.outbox.add(
            input={
                "name": made.name,
                "digest": made.digest,
                "source_type": made.source_type,
                "source": made.source,
                "tags": about,
            }
        )

    def introduce(self, dataset: Dataset) -> None:
        """Logs the data set, and says which it is and what of it cannot be used."""
        self.dataset(dataset)
        sizes = ", ".join(f"{size} {split}" for split, size in dataset.sizes.items())
        self.say(f"data {dataset.name} {dataset.version} ({dataset.origin}): {sizes}")
        if dataset.left_out:
            self.text("left_out.txt", "\n".join(dataset.left_out) + "\n")
            self.say(
                f"{len(dataset.left_out)} examples cannot be used, see left_out.txt; the first: {dataset.left_out[0]}"
            )
        if dataset.target.series is not None:
            frequency, season = dataset.target.series.frequency or "counts", dataset.target.series.season
            self.say(f"steps of `{frequency}`, " + (f"a season has {season} of them" if season > 1 else "no season"))

    def picture(self, name: str, figure: Figure) -> None:
        """Logs a picture as pictures/<name>.png."""
        self._file(f"pictures/{name}.png", lambda place: figure.savefig(place, dpi=110))

    def table(self, name: str, columns: Mapping[str, list]) -> None:
        """Logs a table of rows that MLflow's pages can show, <name>.json."""
        table = pd.DataFrame(dict(columns))
        self._file(f"{name}.json", lambda place: table.to_json(place, orient="split", index=False, date_format="iso"))
        about = {"path": f"{name}.json", "type": "table"}
        if about not in self._tables:
            self._tables.append(about)
        self.tags({MLFLOW_LOGGED_ARTIFACTS: json.dumps(self._tables)})

    def text(self, name: str, text: str) -> None:
        """Logs a text file."""
        self._file(name, lambda place: place.write_text(text, encoding="utf-8"))

    def _file(self, name: str, write: Callable[[Path], object]) -> None:
        path = PurePosixPath(name)
        with room("the record of the run", self.folder):
            place = self.outbox.place(path.name)
            write(place)
        to = "" if path.parent == PurePosixPath() else str(path.parent)
        self.outbox.add(file=str(place.relative_to(self.folder)), to=to)

    def learning_curve(self) -> Figure:
        """Train and validation curves of every metric, one panel each."""
        names = sorted({key.split("_", 1)[1] for key in self.history[0]})
        figure = Figure(figsize=(4.5 * len(names), 3.5), layout="constrained")
        steps = range(1, len(self.history) + 1)
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            for split in ("train", "val"):
                if f"{split}_{name}" in self.history[0]:
                    axes.plot(steps, [row[f"{split}_{name}"] for row in self.history], label=split)
            axes.set(xlabel="epoch", ylabel=name)
            axes.legend()
        return figure


def hardware() -> str:
    """Processor, cores, memory and GPUs in a line."""
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    memory = psutil.virtual_memory().total / 2**30
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return ", ".join([f"{cores} CPU cores ({platform.machine()})", f"{memory:.0f} GiB", *gpus])


def versions() -> dict[str, str]:
    """Python and the packages that decide results."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # a bare checkout on the path
            found[name] = "not installed"
    return {"python": platform.python_version(), "platform": platform.platform(), **found}


def git(folder: Path) -> dict[str, str]:
    """Commit of the checkout that holds a folder and whether it is changed, or nothing outside of one."""

    def ask(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    commit = ask("rev-parse", "HEAD")
    return (
        {} if commit is None else {"git_commit": commit, "git_dirty": str(bool(ask("status", "--porcelain"))).lower()}
    )
