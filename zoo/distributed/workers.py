"""Several processes that train one run: the chief tells the others what to do, and it alone keeps the record."""

from __future__ import annotations

import atexit
import contextlib
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from zoo import checkpoint
from zoo.checkpoint import Checkpoints, Snapshot
from zoo.distributed.replicas import Replicas
from zoo.progress import Silent
from zoo.request import Request
from zoo.types import Dataset, Halted, UsageError

# Of collective operations, where a process that takes part in them is gone.
LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)


@contextlib.contextmanager
def together(replicas: Replicas | None) -> Iterator[None]:
    """Makes one line of a worker that is gone.

    Raises:
      Halted: One is.
    """
    try:
        yield
    except LOST as error:
        if _alone(replicas):
            raise
        raise Halted(
            f"one of the {len(replicas.cluster.workers)} workers is gone or out of reach, and training has stopped; "
            "start all of them again by `zoo resume`, each with its TF_CONFIG"
        ) from error


def _alone(replicas: Replicas | None) -> bool:
    return replicas is None or replicas.cluster is None


def from_chief(replicas: Replicas, content: bytes) -> bytes:
    """The chief's content, on every worker.

    Raises:
      Halted: A worker is gone.
    """
    with together(replicas), replicas.strategy.scope():  # a new variable has the chief's value everywhere
        size = int(tf.Variable(np.int64(len(content)), trainable=False).numpy())
        words = np.zeros(-(-size // 8) + 1, np.int64)  # collective operations do not take bytes
        if replicas.chief:
            words.view(np.uint8)[:size] = np.frombuffer(content, np.uint8)
        return tf.Variable(words, trainable=False).numpy().tobytes()[:size]


def share(replicas: Replicas | None, request: Request, latest: Snapshot | None) -> tuple[Request, Snapshot | None]:
    """What to do and where to go on, as the chief has it.

    Args:
      replicas: Of several workers; with others nothing is done, here and in `same_data`.
      request: What this process was asked for; only the chief's counts.
      latest: The chief's last checkpoint.
    """
    if _alone(replicas):
        return request, latest
    stream = io.BytesIO()
    if replicas.chief:
        recipe = request.file.read_text(encoding="utf-8")
        state = {"request": request.described(), "recipe": recipe, "latest": latest and latest.state}
        checkpoint.write(Snapshot(latest.arrays if latest else {}, state), stream)
    told = from_chief(replicas, stream.getvalue())
    if replicas.chief:
        return request, latest
    snapshot = checkpoint.read(io.BytesIO(told))
    folder = Path(tempfile.mkdtemp(prefix="zoo-worker-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    request = Request.of(snapshot.state["request"], folder)
    request.file.write_text(snapshot.state["recipe"], encoding="utf-8")
    if snapshot.state["latest"] is None:
        return request, None
    # Sums of half an epoch are added up over the workers when they are read: the chief has those of all.
    arrays = {name: value * (not name.startswith("metrics/")) for name, value in snapshot.arrays.items()}
    return request, Snapshot(arrays, snapshot.state["latest"])


def same_data(replicas: Replicas | None, dataset: Dataset) -> None:
    """Makes sure that all workers have the chief's data.

    Raises:
      UsageError: This one has other data.
    """
    if _alone(replicas):
        return
    told = from_chief(replicas, dataset.fingerprint.encode()).decode()
    if told != dataset.fingerprint:
        raise UsageError(
            f"every worker must read the chief's data, and {dataset.name} differs on worker {replicas.cluster.index} "
            f"(fingerprint {told} there, {dataset.fingerprint} here). Give all the same files and archives."
        )


def end_together(replicas: Replicas | None) -> None:
    """Has the others wait for the chief, so that a scheduler that starts a worker again starts all or none.

    Raises:
      Halted: The chief has failed.
    """
    if not _alone(replicas):
        with contextlib.suppress(*([Halted] if replicas.chief else [])):  # its run is done, whoever is gone
            from_chief(replicas, b"done")


class Aside(Silent):
    """How a worker that is not the chief shows its advance: its stages, and what is said to it alone.

    Args:
      shown: Where to.
      replicas: Say which worker it is.
    """

    def __init__(self, shown: Silent, replicas: Replicas):
        self.shown, self.name = shown, f"worker {replicas.cluster.index} of {len(replicas.cluster.workers)}"

    def start(self, stage: str, total: int) -> None:
        """Names the stage."""
        self.shown.say(f"{self.name}: {stage}")

    def close(self) -> None:
        """Closes where it is shown."""
        self.shown.close()


class Unrecorded(contextlib.nullcontext):
    """The record of a worker that is not the chief: none. Takes what `zoo.record.Record` takes while training."""

    run_id = None

    def __init__(self):
        super().__init__(self)
        self.history: list[dict[str, float]] = []

    def epoch(self, metrics: Mapping[str, float], epoch: int) -> None:
        """Remembered, for a checkpoint holds it."""
        self.history.append(dict(metrics))

    def nothing(self, *values: Any) -> None:
        """Not recorded."""

    introduce = pretraining = metrics = tags = nothing


class Unkept(Checkpoints):
    """The checkpoints of such a worker: none."""

    def __init__(self):
        super().__init__(Path())

    def save(self, snapshot: Snapshot) -> None:
        """Nothing is written."""
