"""The segment network against a computation of its own in NumPy, in float64, with the network's weights."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.architectures.forecasting import SegmentForecaster, segment_forecaster
from zoo.datasets.windows import Table, as_dataset, history
from zoo.tasks.forecasting import Forecasting
from zoo.types import Dataset, Spec, UsageError

BACK, AHEAD, SEGMENT, UNITS = 10, 7, 4, 6
ABOUT = {"name": "n", "version": "", "origin": "generated", "citation": "", "licence": ""}


def data(series: int = 2, known: int = 0, alone: bool = False, season: int = 3, steps: int = 60) -> Dataset:
    draws = np.random.default_rng(0)
    table = Table(
        times=tuple(map(str, range(steps))),
        names=tuple("abc"[:series]),
        values=draws.uniform(2, 9, (steps, series)),
        known=tuple("xy"[:known]),
        known_values=draws.normal(40, 10, (steps, known)) if known else None,
        season=season,
    )
    input = history(BACK, AHEAD, alone=alone, known=",".join(table.known))
    tables = table.alone() if alone else [table]
    return as_dataset(tables, [(40, 50, 60)] * len(tables), input, standardise=not alone, **ABOUT)


def network(dataset: Dataset, **settings) -> SegmentForecaster:
    keras.utils.set_random_seed(3)
    settings = {"units": UNITS, "segment": SEGMENT, "dropout": 0.0, **settings}
    made = segment_forecaster(dataset.input, dataset.target, **settings)
    if made.linear is not None:  # begins with zeros, which would hide it
        made.linear.kernel.assign(np.random.default_rng(1).normal(0, 0.3, made.linear.kernel.shape))
    return made


def windows(dataset: Dataset, count: int = 4) -> np.ndarray:
    return np.stack([example["input"] for example in dataset.splits["test"].take(count).as_numpy_iterator()])[:count]


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def lstm_step(made: SegmentForecaster, x: np.ndarray, h: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    kernel, recurrent, bias = (weight.astype(np.float64) for weight in made.lstm.get_weights())
    i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def dense(layer: keras.layers.Dense, values: np.ndarray) -> np.ndarray:
    made = values @ layer.kernel.numpy().astype(np.float64)
    return made if layer.bias is None else made + layer.bias.numpy()


def one_series(made: SegmentForecaster, past: np.ndarray, known: np.ndarray, number: int, options: dict) -> np.ndarray:
    """float64[ahead, quantile] of one window of one series, step by step, as the papers write it."""
    if options.get("logarithm"):
        past = np.log(past)
    shift, spread = past[-1], 1.0
    if options.get("scaling") == "reversible":
        shift, spread = past.mean(), past.std()
    window = (past - shift) / spread
    early = -len(past) % SEGMENT
    steps = np.concatenate([np.zeros(early), window]).reshape(-1, SEGMENT)
    before = np.concatenate([np.zeros((early, known.shape[1])), known[:BACK]])
    h = c = np.zeros(UNITS)
    for place, step in enumerate(steps):
        seen = np.concatenate([step, before[place * SEGMENT : (place + 1) * SEGMENT].ravel()])
        h, c = lstm_step(made, np.maximum(dense(made.embed, seen), 0), h, c)
    count = max(1, len(options.get("quantiles", ())))
    after = np.concatenate([known[BACK:], np.zeros((-AHEAD % SEGMENT, known.shape[1]))])
    told = []
    for place in range(-(-AHEAD // SEGMENT)):
        asked = np.concatenate([made.places.numpy()[place], made.names.numpy()[number]]).astype(np.float64)
        if known.shape[1]:
            asked = asked + dense(made.embed_known, after[place * SEGMENT : (place + 1) * SEGMENT].ravel())
        told.append(dense(made.tell, lstm_step(made, asked, h, c)[0]).reshape(SEGMENT, count))
    told = np.concatenate(told)[:AHEAD]
    if count == 3:
        low, middle, high = told.T
        told = np.stack([middle - np.log1p(np.exp(low)), middle, middle + np.log1p(np.exp(high))], axis=1)
    season = made.settings["season"]
    base = np.zeros(AHEAD)
    if options.get("seasonal") and season <= BACK:
        base = np.array([window[BACK - season + step % season] for step in range(AHEAD)])
    elif options.get("scaling") != "reversible":
        base += window[-1]
    if made.linear is not None:
        base = base + dense(made.linear, window)
    told = (told + base[:, None]) * spread + shift
    return np.exp(told) if options.get("logarithm") else told


def recomputed(made: SegmentForecaster, dataset: Dataset, inputs: np.ndarray, options: dict) -> np.ndarray:
    series, count = dataset.input.series, dataset.target.shape[1]
    values = inputs.astype(np.float64)
    if series.center:
        values[..., :count] = (values[..., :count] - series.center) / series.scale
    if series.known:
        values[..., count:] = (values[..., count:] - series.known_center) / series.known_scale
    told = [
        [one_series(made, window[:BACK, number], window[:, count:], number, options) for number in range(count)]
        for window in values
    ]
    told = np.moveaxis(np.array(told), 1, 2)
    return told if options.get("quantiles") else told[..., 0]


@pytest.mark.parametrize(
    ("of", "options"),
    [
        ({}, {"scaling": "last"}),
        ({}, {"scaling": "reversible"}),
        ({"known": 2}, {"scaling": "last", "linear": True}),
        ({}, {"scaling": "last", "seasonal": True, "linear": True}),
        ({"season": 50}, {"scaling": "last", "seasonal": True}),  # longer than the look-back
        ({"season": 50}, {"scaling": "reversible", "seasonal": True}),
        ({"alone": True, "known": 1}, {"scaling": "reversible", "seasonal": True, "linear": True,
                                       "quantiles": (0.1, 0.5, 0.9)}),
        ({"alone": True}, {"scaling": "reversible", "linear": True, "logarithm": True}),
    ],
)  # fmt: skip
def test_against_numpy(of, options):
    dataset = data(**of)
    made, inputs = network(dataset, **options), windows(data(**of))
    found = made([inputs, np.full(len(inputs), inputs.shape[1], np.int32)]).numpy()
    expected = recomputed(made, dataset, inputs, options)
    assert (
        found.shape == expected.shape == (4, AHEAD, dataset.target.shape[1], *([3] if "quantiles" in options else []))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("known", [0, 2])
def test_training_gives_the_same_answers_and_gradients(known):
    """Without dropout, training differs only in how its one step for each segment is computed."""
    dataset = data(known=known)
    made, inputs = network(dataset), windows(data(known=known))
    lengths = np.full(len(inputs), inputs.shape[1], np.int32)

    def run(training: bool) -> tuple[np.ndarray, list[np.ndarray]]:
        with tf.GradientTape() as tape:
            told = made([inputs, lengths], training=training)
            loss = tf.reduce_sum(tf.square(told))
        gradients = tape.gradient(loss, [weight.value for weight in made.trainable_weights])
        return told.numpy(), [gradient.numpy() for gradient in gradients]

    (found, found_gradients), (expected, expected_gradients) = run(True), run(False)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    for each, other in zip(found_gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(each, other, rtol=1e-4, atol=1e-4 * np.abs(other).max())


def test_a_series_is_told_from_itself_alone():
    """Whatever another series does, only its own place in the table matters."""
    dataset = data(series=3)
    made, inputs = network(dataset), windows(data(series=3))
    changed = inputs.copy()
    changed[:, :, [0, 2]] += 5
    lengths = np.full(len(inputs), BACK, np.int32)
    found, other = (made([values, lengths]).numpy() for values in (inputs, changed))
    np.testing.assert_array_equal(found[..., 1], other[..., 1])
    assert np.abs(found[..., 0] - other[..., 0]).min() > 0.1


@pytest.mark.parametrize("quantiles", [(0.5,), (0.1, 0.5), (0.02, 0.25, 0.5, 0.75, 0.98)])
def test_quantiles_do_not_cross(quantiles):
    dataset = data(alone=True)
    made = network(dataset, quantiles=quantiles, scaling="reversible")
    for weight in made.trainable_variables:
        weight.assign(np.random.default_rng(0).normal(0, 3, weight.shape))
    inputs = np.random.default_rng(5).normal(0, 100, (40, BACK, 1)).astype(np.float32)
    inputs[:3] = [[[0]] * BACK, [[7]] * BACK, [[1e6]] * BACK]
    told = made([inputs, np.full(40, BACK, np.int32)]).numpy()
    assert told.shape == (40, AHEAD, 1, len(quantiles)) and np.isfinite(told).all()
    assert (np.diff(told, axis=-1) >= 0).all()


@pytest.mark.parametrize("options", [{"scaling": "reversible"}, {"scaling": "last", "seasonal": True, "linear": True}])
def test_constant_windows_and_zeros_are_told_finite_values(options):
    dataset = data()
    made = network(dataset, **options)
    inputs = np.stack([np.zeros((BACK, 2)), np.full((BACK, 2), 5e5)]).astype(np.float32)
    assert np.isfinite(made([inputs, np.full(2, BACK, np.int32)]).numpy()).all()


def test_saved_and_loaded_it_tells_the_same(tmp_path):
    dataset = data(known=2)
    made, inputs = network(dataset, quantiles=(0.1, 0.5, 0.9), linear=True, seasonal=True), windows(data(known=2))
    made.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras", compile=False)
    assert isinstance(again, SegmentForecaster) and again.get_config() == made.get_config()
    lengths = np.full(len(inputs), BACK + AHEAD, np.int32)
    np.testing.assert_array_equal(made([inputs, lengths]), again([inputs, lengths]))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"segment": 0}, r"`segment` must be at least 1 step, got 0\."),
        ({"units": 5}, r"`units` must be even, half for the place and half for the series, got 5\."),
        (
            {"quantiles": (0.9, 0.5)},
            r"`quantiles` must rise from 0 to 1 and have 0\.5 among them, got \[0\.9, 0\.5\]\.",
        ),
        ({"quantiles": (0.1, 0.9)}, r"`quantiles` must rise from 0 to 1 and have 0\.5 among them"),
        ({"quantiles": (0.0, 0.5)}, r"`quantiles` must rise from 0 to 1 and have 0\.5 among them"),
    ],
)
def test_settings_that_cannot_be(settings, said):
    with pytest.raises(UsageError, match=said):
        network(data(), **settings)


def noise_free(alone: bool) -> Dataset:
    """A wave of twelve steps, at two heights."""
    steps = np.arange(300)
    table = Table(
        times=tuple(map(str, steps)),
        names=("a", "b"),
        values=np.stack([20 + 5 * np.sin(steps * np.pi / 6), 300 + 90 * np.sin(1 + steps * np.pi / 6)], axis=1),
        season=12,
    )
    tables = table.alone() if alone else [table]
    return as_dataset(
        tables, [(200, 250, 300)] * len(tables), history(24, 12, alone=alone), standardise=not alone, **ABOUT
    )


@pytest.mark.parametrize("scaling", ["last", "reversible"])
def test_a_noise_free_wave_is_learnt_in_a_few_epochs(scaling):
    dataset = noise_free(alone=scaling == "reversible")
    keras.utils.set_random_seed(1)
    made = segment_forecaster(dataset.input, dataset.target, units=32, segment=6, dropout=0.0, scaling=scaling)
    task = Forecasting(relative=scaling == "reversible")
    made.compile(keras.optimizers.Adam(0.02), loss=task.loss(), jit_compile=False)
    inputs, targets = (
        np.stack([example[part] for example in dataset.splits["train"].as_numpy_iterator()])
        for part in ("input", "target")
    )
    made.fit([inputs, np.full(len(inputs), 24, np.int32)], targets, batch_size=32, epochs=10, verbose=0)
    test = list(dataset.splits["test"].as_numpy_iterator())
    told = made([np.stack([example["input"] for example in test]), np.full(len(test), 24, np.int32)]).numpy()
    truth = np.stack([example["target"] for example in test])
    error = np.abs(told - truth).mean() / np.abs(truth - truth.mean(axis=1, keepdims=True)).mean()
    assert error < 0.15


def test_the_spec_of_a_window_is_what_the_network_reads():
    dataset = data(known=1)
    made = network(dataset)
    assert (made.settings["look_back"], made.settings["ahead"], made.settings["season"]) == (BACK, AHEAD, 3)
    assert made.settings["center"] == [*dataset.input.series.center, *dataset.input.series.known_center]
    without: Spec = dataclasses.replace(
        dataset.input, series=dataclasses.replace(dataset.input.series, center=(), scale=())
    )
    made = segment_forecaster(without, dataset.target, units=4)
    assert made.settings["center"] == [0.0, 0.0, *dataset.input.series.known_center]
