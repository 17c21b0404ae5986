from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.fit import Keeper, class_weights, fit, optimizer
from zoo.progress import Silent
from zoo.tasks.classification import Classification
from zoo.tasks.regression import Regression
from zoo.types import Training

TASK = Regression(tolerance=0.1)
BATCHES = 5


def network() -> keras.Model:
    keras.utils.set_random_seed(3)
    values = keras.Input((None, 2), name="features")
    length = keras.Input((), dtype="int32", name="length")
    hidden = keras.layers.Dense(4, activation="tanh")(keras.layers.GlobalAveragePooling1D()(values))
    return keras.Model([values, length], keras.layers.Reshape(())(keras.layers.Dense(1)(hidden)))


def data(count: int = BATCHES, scale: float = 1.0, seed: int = 0) -> tf.data.Dataset:
    values = np.random.default_rng(seed).normal(size=(count * 8, 3, 2)).astype(np.float32)
    target = scale * values.sum(axis=(1, 2))
    rows = tf.data.Dataset.from_tensor_slices(((values, np.full(count * 8, 3, np.int32)), target))
    return rows.batch(8)


class Watcher(keras.callbacks.Callback):
    """Notes the weights after every step, before and after validation, and while it runs."""

    def __init__(self):
        super().__init__()
        self.steps, self.validated, self.epochs = [], [], []

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.steps.append(self.model.get_weights())

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self.validated.append(self.model.get_weights())

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.epochs.append((self.model.get_weights(), dict(logs)))


def watched(training: Training, val: tf.data.Dataset, epochs: int | None = None) -> tuple[keras.Model, Keeper, Watcher]:
    model, watcher = network(), Watcher()
    keeper = Keeper(TASK, training)
    model.compile(optimizer(training, BATCHES), loss=TASK.loss(), metrics=TASK.metrics(), jit_compile=False)
    callbacks = [keeper, watcher]
    model.fit(
        data(), validation_data=val, epochs=epochs or training.epochs, verbose=0, callbacks=callbacks, shuffle=False
    )
    return model, keeper, watcher


def test_learning_rate_warms_up_to_the_peak_and_ends_at_zero():
    training = Training(epochs=4, batch_size=8, learning_rate=0.02, warmup=0.1)
    schedule = optimizer(training, 25)._learning_rate
    rates = [float(schedule(step)) for step in range(101)]
    assert rates[0] == 0
    assert rates[5] == pytest.approx(0.01)
    assert rates[10] == pytest.approx(0.02) == max(rates)
    assert rates[55] == pytest.approx(0.01)  # halfway down the cosine
    assert rates[100] == pytest.approx(0, abs=1e-9)
    for step in range(10, 101):
        assert rates[step] == pytest.approx(0.01 * (1 + math.cos(math.pi * (step - 10) / 90)), abs=1e-7)


def test_optimizer_has_the_settings():
    made = optimizer(Training(epochs=1, batch_size=8, learning_rate=0.1, weight_decay=0.01, clip_norm=2.0), 10)
    assert isinstance(made, keras.optimizers.AdamW)
    assert (made.weight_decay, made.global_clipnorm, made.use_ema) == (0.01, 2.0, False)
    averaged = optimizer(Training(epochs=1, batch_size=8, learning_rate=0.1, average=0.97), 10)
    assert (averaged.use_ema, averaged.ema_momentum) == (True, 0.97)


def test_biases_do_not_decay():
    model = network()
    made = optimizer(Training(epochs=1, batch_size=8, learning_rate=0.1, weight_decay=0.5), 10)
    made.build(model.trainable_variables)
    decays = {variable.path.split("/")[-1]: made._use_weight_decay(variable) for variable in model.trainable_variables}
    assert decays == {"kernel": True, "bias": False}


def test_what_is_validated_is_the_moving_average_of_the_raw_weights():
    momentum = 0.8
    training = Training(epochs=3, batch_size=8, learning_rate=0.05, average=momentum)
    start = network().get_weights()
    _, _, watcher = watched(training, data(1, seed=1))
    # Keras: the average starts as the weights of the model when the optimizer is built
    average, expected = [weight.astype(np.float64) for weight in start], []
    for number, raw in enumerate(watcher.steps):
        average = [momentum * kept + (1 - momentum) * weight for kept, weight in zip(average, raw, strict=True)]
        if (number + 1) % BATCHES == 0:
            expected.append(average)
    assert len(watcher.validated) == len(expected) == 3
    for found, wanted, raw in zip(watcher.validated, expected, watcher.steps[BATCHES - 1 :: BATCHES], strict=True):
        for one, two in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)
        assert not np.allclose(found[0], raw[0], atol=1e-4)


def test_raw_weights_come_back_bit_for_bit_after_validation():
    training = Training(epochs=3, batch_size=8, learning_rate=0.05, average=0.8)
    _, _, watcher = watched(training, data(1, seed=1))
    assert len(watcher.epochs) == 3
    for (after, _), before in zip(watcher.epochs, watcher.steps[BATCHES - 1 :: BATCHES], strict=True):
        for one, two in zip(after, before, strict=True):
            assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize("average", [0.0, 0.8])
def test_best_epochs_weights_are_left_in_the_model(average: float):
    training = Training(epochs=5, batch_size=8, learning_rate=0.05, average=average)
    wrong = data(1, scale=-1.0)  # the better the fit, the worse the validation
    model, keeper, watcher = watched(training, wrong)
    losses = [logs["val_loss"] for _, logs in watcher.epochs]
    assert keeper.epoch == int(np.argmin(losses)) < 4
    assert keeper.metrics["val_loss"] == min(losses)
    for one, two in zip(model.get_weights(), watcher.validated[keeper.epoch], strict=True):
        assert one.tobytes() == two.tobytes()
    assert model.evaluate(wrong, verbose=0, return_dict=True)["loss"] == pytest.approx(min(losses), rel=1e-6)


def test_patience_stops():
    training = Training(epochs=10, batch_size=8, learning_rate=0.05, patience=2)
    _, keeper, watcher = watched(training, data(1, scale=-1.0))
    assert len(watcher.epochs) == keeper.epoch + 1 + 2 < 10


def test_without_patience_every_epoch_runs():
    training = Training(epochs=4, batch_size=8, learning_rate=0.05)
    _, _, watcher = watched(training, data(1, scale=-1.0))
    assert len(watcher.epochs) == 4


class Shown(Silent):
    """Keeps what it is told."""

    def __init__(self):
        self.stages, self.lines, self.done = [], [], 0

    def start(self, stage: str, total: int) -> None:
        self.stages.append((stage, total))

    def advance(self, count: int, values: dict | None = None) -> None:
        self.done += count

    def say(self, line: str) -> None:
        self.lines.append(line)


def fitted(train: tf.data.Dataset, val: tf.data.Dataset, **settings: object):
    model, shown, rows = network(), Shown(), []
    keeper = fit(
        model,
        TASK,
        Training(batch_size=8, **settings),
        lambda first: train.repeat(),
        val,
        steps_per_epoch=BATCHES,
        progress=shown,
        log=lambda metrics, number: rows.append((number, metrics)),
    )
    return model, keeper, shown, rows


def test_fit_learns_logs_each_epoch_and_shows_it():
    _, keeper, shown, rows = fitted(data(), data(1), epochs=6, learning_rate=0.05)
    assert [number for number, _ in rows] == [0, 1, 2, 3, 4, 5]
    names = {f"{split}_{name}" for split in ("train", "val") for name in ("loss", "mae", "wrong")}
    assert {frozenset(metrics) for _, metrics in rows} == {frozenset(names)}
    assert rows[-1][1]["train_loss"] < rows[0][1]["train_loss"] / 2
    assert shown.stages == [("training", 6 * BATCHES)] and shown.done == 6 * BATCHES
    assert [line.split("  ")[0] for line in shown.lines[1:]] == [f"epoch {number}/6" for number in range(1, 7)]
    assert f"val_loss {rows[0][1]['val_loss']:.4f}" in shown.lines[1]
    assert keeper.metrics["val_loss"] == min(metrics["val_loss"] for _, metrics in rows)


def test_a_training_step_is_traced_once(monkeypatch: pytest.MonkeyPatch):
    traced = []
    step = keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda self, batch: traced.append(0) or step(self, batch))
    fitted(data(), data(), epochs=2, learning_rate=0.01)
    assert len(traced) == 1


def test_few_updates_are_said_with_the_epochs_that_give_more():
    few = [fitted(data(), data(1), epochs=epochs, learning_rate=0.05)[2].lines[0] for epochs in (19, 20)]
    assert few[0] == (
        "only 95 updates of the weights, 19 epochs of 5: on so few examples epochs=100 will give more of them"
    )
    assert few[1].startswith("epoch 1/20")


def test_last_epochs_weights_are_left_where_those_are_to_be_kept():
    training = Training(epochs=4, batch_size=8, learning_rate=0.05, average=0.8, keep="last")
    model, keeper, watcher = watched(training, data(1, scale=-1.0))
    assert keeper.epoch == 3
    assert keeper.metrics == {name: value for name, value in watcher.epochs[3][1].items() if name.startswith("val_")}
    for one, two in zip(model.get_weights(), watcher.validated[3], strict=True):
        assert one.tobytes() == two.tobytes()


def test_a_loss_that_is_not_a_number_raises():
    with pytest.raises(FloatingPointError, match="the training loss is not a number; try a lower learning_rate"):
        fitted(data(scale=math.nan), data(1), epochs=3, learning_rate=0.05)


def test_classes_weigh_in_inverse_proportion_to_their_count():
    weights = class_weights(np.array([2, 2, 2, 0]))
    assert weights == pytest.approx({0: 2.0, 2: 2 / 3})


def test_weighted_classes_are_not_given_up():
    draws = np.random.default_rng(0)
    values = draws.normal(size=(200, 3, 1)).astype(np.float32)
    truth = (np.arange(200) % 10 == 0).astype(np.int64)
    values[truth == 1] += 0.5  # they overlap, so that one in ten is not worth an error by itself
    found = {}
    for weights in (None, class_weights(truth)):
        keras.utils.set_random_seed(0)
        inputs = [keras.Input((None, 1)), keras.Input((), dtype="int32")]
        logits = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling1D()(inputs[0]))
        network = keras.Model(inputs, logits)
        batches = tf.data.Dataset.from_tensors(((values, np.full(200, 3, np.int32)), truth))
        fit(
            network,
            Classification(),
            Training(epochs=150, batch_size=200, learning_rate=0.05),
            lambda first, batches=batches: batches.repeat(),
            batches,
            steps_per_epoch=1,
            progress=Silent(),
            log=lambda metrics, epoch: None,
            class_weight=weights,
        )
        found[weights is None] = (network.predict_on_batch([values, np.full(200, 3)]).argmax(1) == 1)[truth == 1].mean()
    assert found[True] < 0.5 < found[False]
