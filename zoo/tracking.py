"""The record: where runs are kept in MLflow, what one leaves there, how they are found and compared."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mlflow
from filelock import FileLock, Timeout
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from zoo import dead
from zoo.credentials import hidden
from zoo.outbox import transient
from zoo.types import Halted, RunError, UsageError

DATA_TAG = "data"
RECIPE_TAG = "recipe"
EXPORT_TAG = "export"
MOST = 5000  # characters of a tag


def folder() -> Path:
    """Where artifacts, checkpoints and exports go: `ZOO_RUNS`, else `mlruns` in the current folder."""
    return Path(os.environ.get("ZOO_RUNS", "mlruns")).resolve()


def run_folder(run_id: str) -> Path:
    """Where a run keeps its checkpoints, and what the store does not have yet."""
    return folder() / "checkpoints" / run_id


def lock(run_id: str) -> FileLock:
    """The right to work on a run, held until it is released or the process ends.

    Raises:
      UsageError: Another process has it.
    """
    held = FileLock(run_folder(run_id) / "lock")
    try:
        held.acquire(timeout=0)
    except Timeout:
        raise UsageError(f"run {run_id[:8]} goes on in another process; see `zoo runs`.") from None
    return held


def uri() -> str:
    """The tracking store: `MLFLOW_TRACKING_URI`, else `mlflow.db` in the current folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlflow.db').resolve()}"


def shown_uri() -> str:
    """The same without a user's name, a password or a token in it."""
    return hidden(uri())


def embedded() -> bool:
    """Whether the store is a file of SQLite's."""
    return uri().startswith("sqlite:///")


@contextlib.contextmanager
def reached() -> Iterator[None]:
    """Makes one line of a store that does not answer.

    Raises:
      Halted: It does not.
    """
    try:
        yield
    except MlflowException as error:
        if not transient(error):
            raise
        if embedded():
            raise Halted(f"the record {uri()} is held by another program; end that, or wait") from error
        raise Halted(
            f"the tracking store {shown_uri()} does not answer; start it, or unset MLFLOW_TRACKING_URI for a file's"
        ) from error


def exists() -> bool:
    """Whether the store is there; a server is taken to be."""
    return not embedded() or Path(uri().removeprefix("sqlite:///")).exists()


def open_store() -> MlflowClient:
    """The store, made at first use under a lock: two processes making it at once corrupt it."""
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # of a busy database, which is tried again
    if not embedded():
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # MLflow's 7 take four minutes
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"  # with the server's password in it, if it has one
    given = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri())
    if given is None:  # MLflow has just set it; kept, it would name this store even after a change of folder
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    mlflow.set_registry_uri(uri())
    if not embedded():
        return MlflowClient()
    with FileLock(uri().removeprefix("sqlite:///") + ".lock"):
        return MlflowClient()  # makes the tables


def experiment(client: MlflowClient, recipe: str) -> str:
    """Id of the recipe's experiment, made at first use; an embedded store keeps its artifacts in `folder()`."""
    found = client.get_experiment_by_name(recipe)
    if found is not None:
        return found.experiment_id
    place = (folder() / recipe).as_uri() if embedded() else None
    tags = {"mlflow.experimentKind": "custom_model_development"}  # else MLflow's page guesses, and may hide metrics
    try:
        return client.create_experiment(recipe, artifact_location=place, tags=tags)
    except MlflowException:
        found = client.get_experiment_by_name(recipe)  # another run may have made it in between
        if found is None:
            raise
        return found.experiment_id


def told(error: BaseException) -> str:
    """What an error says: what the zoo's own say, or all of another's with its kind."""
    return str(error) if isinstance(error, (UsageError, RunError)) else repr(error)


def reason(why: BaseException | str) -> str:
    """Why a run did not finish, as its tag `reason` has it: without secrets, and no longer than a tag may be."""
    return hidden(why if isinstance(why, str) else told(why))[:MOST]


def mark_dead(client: MlflowClient, experiments: list[str]) -> None:
    """Marks the runs of some experiments whose process is gone; see `zoo.dead.mark`."""
    dead.mark(client, experiments, folder() / "checkpoints")


def find(reference: str) -> str:
    """The id of a run.

    Args:
      reference: A run id, a unique prefix of one, a run's name, "latest", or a recipe's name for its newest
        finished run.

    Raises:
      UsageError: No run, or more than one, fits.
    """
    every = _search() if exists() else []
    finished = [run for run in every if run.info.status == "FINISHED"]
    if reference == "latest" and finished:
        return finished[0].info.run_id
    of_recipe = [run for run in finished if run.data.tags.get(RECIPE_TAG) == reference]
    if of_recipe:
        return of_recipe[0].info.run_id
    fitting = [run for run in every if run.info.run_name == reference or run.info.run_id.startswith(reference)]
    if len(fitting) == 1:
        return fitting[0].info.run_id
    if fitting:
        ids = ", ".join(run.info.run_id[:8] for run in fitting[:5])
        raise UsageError(f"`RUN` must mean one run, and {reference!r} fits {len(fitting)}: {ids}. Give more of the id.")
    count = f"{len(every)} runs" if every else "no run"
    raise UsageError(
        f"`RUN` must be a run, got {reference!r}, and {shown_uri()} has {count} and none so named. See `zoo runs`."
    )


def runs(recipe: str | None = None) -> list[dict[str, Any]]:
    """All runs, newest first: id, name, recipe, data, status, started (ms since 1970), seconds and metrics of each."""
    every = _search() if exists() else []
    return [row(run) for run in every if recipe is None or run.data.tags.get(RECIPE_TAG) == recipe]


def ui(port: int = 5000) -> None:
    """Serves MLflow's own pages on this store at 127.0.0.1 until interrupted.

    Raises:
      UsageError: The store is a server, which has these pages itself.
    """
    if uri().startswith("http"):
        raise UsageError(f"`zoo ui` is for a record of your own, and this is a server's; open {shown_uri()} instead.")
    open_store()
    command = [sys.executable, "-m", "mlflow", "ui", "--port", str(port)]
    subprocess.run(command, env={**os.environ, "MLFLOW_BACKEND_STORE_URI": uri()}, check=False)


def _search() -> list[Run]:
    with reached():
        client = open_store()
        ids = [found.experiment_id for found in client.search_experiments()]
        mark_dead(client, ids)
        every: list[Run] = []
        token = None
        while ids:
            page = client.search_runs(ids, order_by=["attributes.start_time DESC"], page_token=token)
            every += page
            token = page.token
            if not token:
                break
        return every


def row(run: Run) -> dict[str, Any]:
    """A run as `runs` tells it."""
    end = run.info.end_time
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "recipe": run.data.tags.get(RECIPE_TAG, ""),
        "data": run.data.tags.get(DATA_TAG, ""),
        "status": run.info.status,
        "started": run.info.start_time,
        "seconds": round((end - run.info.start_time) / 1000, 1) if end else None,
        "metrics": _shown(run.data.metrics),
    }


def _shown(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in sorted(metrics.items()) if not name.startswith("system/")}
