"""A training that stops at any batch and is resumed ends as if it had never stopped, bit for bit."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.checkpoint import Checkpoints
from zoo.fit import Keeper, fit
from zoo.interrupt import Interrupted, Stop, Terminated
from zoo.progress import Silent
from zoo.saver import Saver
from zoo.tasks.regression import Regression
from zoo.types import Training

TASK = Regression(tolerance=0.1)
STEPS, EPOCHS = 5, 3


def network() -> keras.Model:
    """With dropout, whose draws go on from where they were, and a layer with a state that is no weight of the loss."""
    keras.utils.set_random_seed(3)
    values = keras.Input((None, 2), name="features")
    length = keras.Input((), dtype="int32", name="length")
    hidden = keras.layers.Dense(8, activation="tanh")(keras.layers.GlobalAveragePooling1D()(values))
    hidden = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(hidden))
    return keras.Model([values, length], keras.layers.Reshape(())(keras.layers.Dense(1)(hidden)))


def batches(first: int) -> tf.data.Dataset:
    """Other batches in each epoch."""
    values = np.concatenate([_values(epoch) for epoch in range(first, EPOCHS)])
    rows = ((values, np.full(len(values), 3, np.int32)), values.sum(axis=(1, 2)))
    return tf.data.Dataset.from_tensor_slices(rows).batch(8).repeat()


def _values(epoch: int) -> np.ndarray:
    return np.random.default_rng(epoch).normal(size=(STEPS * 8, 3, 2)).astype(np.float32)


VAL = batches(0).take(2)


class StopAt(keras.callbacks.Callback):
    """Asks to stop, as a signal does, when it has seen so many events of a kind."""

    def __init__(self, stop: Stop, event: str, count: int):
        super().__init__()
        self.left = count

        def seen(*arguments: Any, **options: Any) -> None:
            self.left -= 1
            if self.left == 0:
                stop.asked = signal.SIGINT

        setattr(self, event, seen)


class Trained:
    """One training in a process of its own, as far as that goes."""

    def __init__(self, folder: Path, training: Training, stop_at: tuple[str, int] | None = None, resume: bool = False):
        self.network, self.stop, self.rows, self.moved = network(), Stop(), [], 0
        random.seed(1)
        np.random.seed(1)
        checkpoints = Checkpoints(folder)
        self.saver = Saver(checkpoints, self.stop, checkpoints.latest(pytest.fail) if resume else None)
        self.saver.facts["history"] = lambda: list(self.rows)
        self.rows += self.saver.fact("history", [])
        self.keeper: Keeper | None = None
        callbacks = [StopAt(self.stop, *stop_at)] if stop_at else []
        outer = self

        class Moved(Silent):
            def advance(self, count: int, values: dict | None = None) -> None:
                outer.moved += count

        def log(metrics: dict[str, float], epoch: int) -> None:
            self.rows.append([epoch, metrics])
            random.random()
            np.random.rand()

        self.fit: Callable[[], Keeper] = lambda: fit(
            self.network,
            TASK,
            training,
            batches,
            VAL,
            steps_per_epoch=STEPS,
            progress=Moved(),
            log=log,
            callbacks=callbacks,
            saver=self.saver,
        )

    def run(self) -> Trained:
        self.keeper = self.fit()
        return self

    def all(self) -> dict[str, Any]:
        return {
            "weights": [variable.numpy().tobytes() for variable in self.network.variables],
            "optimizer": [variable.numpy().tobytes() for variable in self.network.optimizer.variables],
            "kept": [value.tobytes() for value in self.keeper.kept],
            "keeper": self.keeper.state,
            "curve": self.rows,
            "draws": [random.random(), np.random.rand()],
            "moved": self.moved,
        }


TRAINING = Training(epochs=EPOCHS, batch_size=8, learning_rate=0.05, average=0.8, weight_decay=0.01)
WITHOUT_AVERAGE = Training(epochs=EPOCHS, batch_size=8, learning_rate=0.05, keep="last")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return Trained(tmp_path_factory.mktemp("whole"), TRAINING).run().all()


def test_the_draws_of_dropout_go_on(whole: dict[str, Any]):
    one = network()
    states = [variable.numpy().tolist() for variable in one.variables if "seed_generator" in variable.path]
    assert len(states) == 1  # else the test below would not see it


STOPS = [("on_train_batch_end", count) for count in (1, 3, STEPS - 1, STEPS, STEPS + 1, 2 * STEPS + 2, 3 * STEPS)]
STOPS += [("on_test_batch_end", count) for count in (1, 2, 5)] + [("on_epoch_end", count) for count in (1, 3)]


@pytest.mark.parametrize(("event", "count"), STOPS)
def test_stopped_anywhere_and_resumed_it_ends_the_same(tmp_path: Path, whole: dict, event: str, count: int):
    stopped = Trained(tmp_path, TRAINING, stop_at=(event, count))
    with pytest.raises(Interrupted):
        stopped.run()
    assert Trained(tmp_path, TRAINING, resume=True).run().all() == whole


def test_stopped_again_and_again_it_ends_the_same(tmp_path: Path, whole: dict[str, Any]):
    for _ in range(20):
        try:
            found = Trained(tmp_path, TRAINING, stop_at=("on_train_batch_end", 2), resume=True).run()
        except Interrupted:
            continue
        break
    assert found.all() == whole


def test_without_averaged_weights_it_ends_the_same(tmp_path: Path):
    expected = Trained(tmp_path / "whole", WITHOUT_AVERAGE).run().all()
    with pytest.raises(Interrupted):
        Trained(tmp_path / "stopped", WITHOUT_AVERAGE, stop_at=("on_train_batch_end", STEPS + 2)).run()
    assert Trained(tmp_path / "stopped", WITHOUT_AVERAGE, resume=True).run().all() == expected


def test_a_finished_one_has_its_weights_and_nothing_to_train(tmp_path: Path, whole: dict[str, Any]):
    Trained(tmp_path, TRAINING).run()
    again = Trained(tmp_path, TRAINING, stop_at=("on_train_batch_begin", 1), resume=True).run()
    assert again.stop.asked is None
    found = again.all()
    raw = ("optimizer",)  # Keras's `fit` leaves it as it was
    assert {name: value for name, value in found.items() if name not in raw} == {
        name: value for name, value in whole.items() if name not in raw
    }


def test_patience_goes_on_from_where_it_was(tmp_path: Path):
    patient = Training(epochs=EPOCHS, batch_size=8, learning_rate=1e-12, patience=1)
    expected = Trained(tmp_path / "whole", patient).run().all()
    assert len(expected["curve"]) < EPOCHS
    with pytest.raises(Interrupted):
        Trained(tmp_path / "stopped", patient, stop_at=("on_train_batch_end", STEPS + 1)).run()
    assert Trained(tmp_path / "stopped", patient, resume=True).run().all() == expected
    again = Trained(tmp_path / "stopped", patient, resume=True).run()
    assert again.rows == expected["curve"] and again.keeper.state == expected["keeper"]


def test_a_lost_loss_is_not_saved(tmp_path: Path):
    lost = Training(epochs=EPOCHS, batch_size=8, learning_rate=0.05, average=0.8)
    trained = Trained(tmp_path, lost)

    class Lose(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
            if epoch == 1:
                self.model.trainable_variables[0].assign(np.full_like(self.model.trainable_variables[0], np.nan))

    fit_with = Lose()
    with pytest.raises(FloatingPointError):
        fit(
            trained.network,
            TASK,
            lost,
            batches,
            VAL,
            steps_per_epoch=STEPS,
            progress=Silent(),
            log=lambda metrics, epoch: None,
            callbacks=[fit_with],
            saver=trained.saver,
        )
    back = Checkpoints(tmp_path).latest()
    assert (back.state["epoch"], back.state["step"]) == (1, 0)
    assert all(np.isfinite(value).all() for value in back.listed("variables"))


def test_inside_a_long_epoch_it_saves_every_so_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zoo.saver.EVERY_SECONDS", 0.0)
    monkeypatch.setattr("zoo.saver.SHARE", 1e9)
    places = []
    save = Checkpoints.save

    def noted(self: Checkpoints, snapshot: Any) -> Path:
        places.append((snapshot.state["epoch"], snapshot.state["step"]))
        return save(self, snapshot)

    monkeypatch.setattr(Checkpoints, "save", noted)
    Trained(tmp_path, TRAINING).run()
    assert places == [(0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 2), (2, 3), (3, 0)]


def test_sigterm_ends_with_143():
    stop = Stop()
    stop.asked = signal.SIGTERM
    with pytest.raises(Terminated) as caught:
        stop.check()
    assert caught.value.code == 143
