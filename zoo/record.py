"""What one run writes into MLflow, from its first second to its end, however it ends."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import mlflow.data.code_dataset_source
import mlflow.data.meta_dataset
import psutil
import tensorflow as tf
from matplotlib.figure import Figure

from zoo import tracking
from zoo.types import Dataset, RunError, UsageError

PACKAGES = ("lstm-zoo", "tensorflow", "keras", "tensorflow-datasets", "mlflow", "numpy", "scikit-learn", "soundfile")


class Record:
    """A run in MLflow; used as a context, it ends FINISHED, FAILED with its reason, or KILLED.

    Args:
      recipe: Name of the recipe, which names the experiment.
      file: The recipe's file.
      name: Of the run; MLflow makes one up without.
      params: Settings and the choices of the command.
      data: Where the data comes from.
    """

    def __init__(self, recipe: str, file: Path, name: str | None, params: Mapping[str, Any], data: str):
        client = tracking.open_store()
        tags = {
            tracking.RECIPE_TAG: recipe,
            tracking.DATA_TAG: data,
            "command": command(),
            "mlflow.source.name": command(),
            "hardware": hardware(),
            **git(file.parent),
        }
        self.run = mlflow.start_run(
            experiment_id=tracking.experiment(client, recipe), run_name=name, tags=tags, log_system_metrics=True
        )
        self.run_id, self.name = self.run.info.run_id, self.run.info.run_name
        self.params, self.file = dict(params), file
        self.history: list[dict[str, float]] = []

    def __enter__(self) -> Record:
        mlflow.log_params(self.params)
        mlflow.log_artifact(str(self.file), "recipe")
        mlflow.log_dict(versions(), "environment.json")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            mlflow.end_run("FINISHED")
            return
        interrupted = isinstance(error, KeyboardInterrupt)
        reason = (
            "interrupted" if interrupted else str(error) if isinstance(error, (UsageError, RunError)) else repr(error)
        )
        mlflow.set_tag("reason", reason[:5000])
        mlflow.end_run("KILLED" if interrupted else "FAILED")

    def epoch(self, metrics: Mapping[str, float], epoch: int) -> None:
        """Logs an epoch's metrics at step epoch + 1, the number of epochs done."""
        self.history.append(dict(metrics))
        mlflow.log_metrics(dict(metrics), step=epoch + 1)

    def pretraining(self, metrics: Mapping[str, float], epoch: int) -> None:
        """Logs the metrics of an epoch without labels at step epoch + 1."""
        mlflow.log_metrics(dict(metrics), step=epoch + 1)

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Logs figures of the whole run."""
        mlflow.log_metrics({name: float(value) for name, value in metrics.items()})

    def tags(self, tags: Mapping[str, str]) -> None:
        """Sets tags."""
        mlflow.set_tags(dict(tags))

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
        mlflow.log_input(made, context=", ".join(dataset.splits), tags={**sizes, "licence": dataset.licence})

    def picture(self, name: str, figure: Figure) -> None:
        """Logs a picture as pictures/<name>.png."""
        mlflow.log_figure(figure, f"pictures/{name}.png", save_kwargs={"dpi": 110})

    def table(self, name: str, columns: Mapping[str, list]) -> None:
        """Logs a table of rows that MLflow's pages can show, <name>.json."""
        mlflow.log_table(dict(columns), f"{name}.json")

    def text(self, name: str, text: str) -> None:
        """Logs a text file."""
        mlflow.log_text(text, name)

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


def command() -> str:
    """The command line of this process, if it is the zoo's."""
    program = Path(sys.argv[0])
    ours = program.stem == "zoo" or (program.parent.name, program.name) == ("zoo", "__main__.py")
    return shlex.join(["zoo", *sys.argv[1:]]) if ours else "zoo.run in Python"


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
