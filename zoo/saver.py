"""Saves a training as it goes on, and puts a saved one back, bit for bit: an epoch may be resumed in its middle."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.checkpoint import Checkpoints, Snapshot
from zoo.interrupt import Stop
from zoo.types import Halted

if TYPE_CHECKING:
    from zoo.distributed.replicas import Vote
    from zoo.fit import Keeper

EVERY_SECONDS = 60.0  # between two checkpoints inside an epoch
SHARE = 0.02  # of the time may go into those


class Saver:
    """Keeps the checkpoints of one run.

    Args:
      checkpoints: Where.
      stop: Says when to stop.
      latest: What the run is resumed from; None for a new one.
      vote: How several workers agree on when to save; None for one.

    Attributes:
      latest: The newest snapshot, also those that are not on disk.
      facts: What else to save with each, name to a function that gives it; JSON must hold it.
    """

    def __init__(self, checkpoints: Checkpoints, stop: Stop, latest: Snapshot | None = None, vote: Vote | None = None):
        self.checkpoints, self.stop, self.latest, self.vote = checkpoints, stop, latest, vote
        self.facts: dict[str, Callable[[], Any]] = {}

    def fact(self, name: str, default: Any = None) -> Any:
        """What was saved under this name in the snapshot that the run is resumed from."""
        return default if self.latest is None else self.latest.state.get(name, default)

    def past(self, stage: str) -> bool:
        """Whether the run is resumed behind this stage."""
        return self.latest is not None and self.latest.state["stage"] != stage


class Stage(keras.callbacks.Callback):
    """Saves at each epoch's end, every so often inside one, and when asked to stop; comes last of the callbacks.

    An interrupted validation is not saved: what is, is the training before its epoch's last batch, which is done again.

    Args:
      saver: Of the run.
      name: Of this part of the training, which has a model and an optimizer of its own.
      epochs: As planned.
      steps_per_epoch: Batches.
      keeper: What is kept of the epochs.

    Attributes:
      epoch: Epochs done.
      step: Batches done of the next one.
      finished: Whether no epoch is left.
    """

    def __init__(self, saver: Saver, name: str, epochs: int, steps_per_epoch: int, keeper: Keeper | None = None):
        super().__init__()
        self.saver, self.name, self.epochs, self.steps, self.keeper = saver, name, epochs, steps_per_epoch, keeper
        latest = saver.latest
        self.resumed = latest if latest is not None and latest.state["stage"] == name else None
        state = self.resumed.state if self.resumed else {"epoch": 0, "step": 0, "finished": False}
        self.epoch, self.step, self.finished = int(state["epoch"]), int(state["step"]), bool(state["finished"])
        self._saved, self._took, self._written = time.monotonic(), 0.0, True

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Puts back what was saved, at the first epoch only."""
        if self.resumed is not None:
            self.put_back(self.model)
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Tells other workers what this one wants: all read their variables together, or wait for each other."""
        if self.saver.vote is not None:
            self.saver.vote.cast(self._due(), self.saver.stop.asked is not None)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Saves where it is time to, or where the run is to stop."""
        self.step += 1
        vote = self.saver.vote
        due, asked = (self._due(), self.saver.stop.asked is not None) if vote is None else vote.passed
        if self.step < self.steps and (asked or due or self.step == self.steps - 1):
            self._take(write=asked or self.step < self.steps - 1)
        if vote is None:
            self._stop_if_asked()
        elif asked:
            self._stop()
            raise Halted("another worker was asked to stop; start all of them again by `zoo resume`")

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Stops where the run is to stop."""
        self._stop_if_asked()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Saves, unless the loss is lost, so that the last checkpoint is a sound one."""
        if not np.isfinite(logs["loss"]):
            return
        self.epoch, self.step = epoch + 1, 0
        self.finished = self.model.stop_training or self.epoch >= self.epochs
        self._take(write=True)
        self._stop_if_asked()

    def spans(self) -> Iterator[dict[str, int]]:
        """Arguments of the calls of `fit` that are left: a resumed epoch is one of its own, with the batches left."""
        if self.step:
            left = self.steps - self.step
            yield {"initial_epoch": self.epoch, "epochs": self.epoch + 1, "steps_per_epoch": left}
            self.resumed = self.saver.latest  # Keras puts averaged weights in place of the raw ones when `fit` ends
        if not self.finished:
            yield {"initial_epoch": self.epoch, "epochs": self.epochs, "steps_per_epoch": self.steps}

    def put_back(self, model: keras.Model) -> None:
        """Gives a compiled model, its optimizer and metrics, the keeper and the global generators what was saved."""
        snapshot, self.resumed = self.resumed, None
        groups = {"variables": model.variables, "optimizer": model.optimizer.variables}
        if self.step:
            groups["metrics"] = model.metrics_variables
        for name, variables in groups.items():
            for variable, value in zip(variables, snapshot.listed(name), strict=True):
                variable.assign(value)
        if self.keeper is not None:
            self.keeper.put_back(snapshot.listed("kept"), snapshot.state["keeper"])
        _set_generators(snapshot)

    def _due(self) -> bool:
        return time.monotonic() - self._saved >= max(EVERY_SECONDS, self._took / SHARE)

    def _stop_if_asked(self) -> None:
        if self.saver.stop.asked is not None:
            self._stop()

    def _stop(self) -> None:
        if not self._written:
            self._write()
        self.saver.stop.check()

    def _take(self, write: bool) -> None:
        model, keeper = self.model, self.keeper
        arrays = {}
        groups = {"variables": model.variables, "optimizer": model.optimizer.variables}
        groups |= {"metrics": model.metrics_variables} if self.step else {}
        for name, variables in groups.items():
            arrays |= {f"{name}/{index}": variable.numpy() for index, variable in enumerate(variables)}
        if keeper is not None:
            arrays |= {f"kept/{index}": value for index, value in enumerate(keeper.kept)}
        place = {"stage": self.name, "epoch": self.epoch, "step": self.step, "finished": self.finished}
        state = place | {"keeper": keeper.state if keeper else {}, **_generators(arrays)}
        state |= {name: fact() for name, fact in self.saver.facts.items()}
        self.saver.latest, self._written = Snapshot(arrays, state), False
        if write:
            self._write()

    def _write(self) -> None:
        begun = time.monotonic()
        self.saver.checkpoints.save(self.saver.latest)
        self._saved = time.monotonic()
        self._took, self._written = self._saved - begun, True


def _generators(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state()
    arrays["generator/0"] = keys
    version, words, gauss = random.getstate()
    return {"numpy": [kind, *rest], "python": [version, list(words), gauss]}


def _set_generators(snapshot: Snapshot) -> None:
    kind, *rest = snapshot.state["numpy"]
    np.random.set_state((kind, snapshot.arrays["generator/0"], *rest))
    version, words, gauss = snapshot.state["python"]
    random.setstate((version, tuple(words), gauss))
