from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.architectures.memory import memory_network, weights_of
from zoo.types import Spec, UsageError

FEATURES = Spec(name="features", kind="series", shape=(None, 5), dtype="float32", axes=("step", "band"))
CLASSES = ("no", "yes", "maybe")
SUM = Spec(name="sum", kind="value", shape=(), dtype="float32", axes=())
LABEL = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=CLASSES)
LABELS = Spec(name="labels", kind="label", shape=(None,), dtype="int32", axes=("step",), classes=CLASSES)
TARGETS = {"number": SUM, "label": LABEL, "labels": LABELS}
CELLS = ("lstm", "gru", "rnn")


@pytest.fixture(scope="module", params=[(cell, target) for cell in CELLS for target in TARGETS], ids="-".join)
def network(request) -> keras.Model:
    cell, target = request.param
    return memory_network(FEATURES, TARGETS[target], units=6, cell=cell)


def rows(lengths: list[int], padding: float = 0.0) -> list[np.ndarray]:
    values = np.full((len(lengths), max(lengths), 5), padding, np.float32)
    for row, length in enumerate(lengths):
        values[row, :length] = np.random.default_rng(row).normal(size=(length, 5))
    return [values, np.array(lengths, np.int32)]


@pytest.mark.parametrize("cell", CELLS)
def test_what_it_tells(cell: str):
    shapes = {"number": (2,), "label": (2, 3), "labels": (2, 4, 3)}
    for name, target in TARGETS.items():
        network = memory_network(FEATURES, target, units=4, cell=cell)
        assert network(rows([4, 2])).shape == shapes[name]
        assert network.output.dtype == "float32"
        assert [tensor.name for tensor in network.inputs] == ["features", "length"]


def test_padding_is_not_seen_and_not_told(network: keras.Model):
    together = network(rows([7, 3, 1], padding=50.0)).numpy()
    for row, length in enumerate([7, 3, 1]):
        alone = network([rows([7, 3, 1])[0][row : row + 1, :length], np.array([length], np.int32)])[0]
        told = together[row, :length] if together.ndim == 3 else together[row]
        np.testing.assert_allclose(alone, told, atol=1e-5)
        if together.ndim == 3:
            assert not together[row, length:].any()


def test_a_row_of_length_zero_answers(network: keras.Model):
    values, _ = rows([3, 2])
    assert np.isfinite(network([values, np.array([3, 0], np.int32)])).all()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras 3.15 saving, NumPy 2.4
def test_saved_network_answers_the_same(network: keras.Model, tmp_path):
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(loaded(rows([6, 2])), network(rows([6, 2])), atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_number_of_weights(cell: str):
    for units, target in ((6, SUM), (9, LABELS)):
        network = memory_network(FEATURES, target, units=units, cell=cell)
        assert network.count_params() == weights_of(cell, units, 5, max(1, len(target.classes)))


def test_the_same_number_of_weights_makes_other_cells_wider():
    lstm = memory_network(FEATURES, LABEL, units=32).count_params()
    for cell in ("gru", "rnn"):
        network = memory_network(FEATURES, LABEL, units=32, cell=cell, match="weights")
        assert network.get_layer(cell).units > 32
        assert abs(network.count_params() / lstm - 1) < 0.03
        assert memory_network(FEATURES, LABEL, units=32, cell=cell).get_layer(cell).units == 32


def test_first_biases():
    network = memory_network(FEATURES, SUM, units=3, forget_bias=4.0)
    assert network.get_layer("lstm").cell.bias.numpy().tolist() == [0.0] * 3 + [4.0] * 3 + [0.0] * 6
    bias = memory_network(FEATURES, SUM, units=3, span=90).get_layer("lstm").cell.bias.numpy()
    np.testing.assert_array_equal(bias[:3], -bias[3:6])
    assert (
        memory_network(FEATURES, SUM, units=3, cell="gru", forget_bias=4.0).get_layer("gru").cell.bias.numpy()[0, 0]
        == 4
    )


def test_loss_sees_no_mask_and_falls():
    from zoo.tasks.step_classification import StepClassification

    keras.utils.set_random_seed(0)
    values = np.random.default_rng(0).normal(size=(64, 6, 5)).astype(np.float32)
    truth = np.concatenate([np.full((64, 1), -1), (values[:, :-1, 0] > 0)], axis=1).astype(np.int32)  # a step before
    task = StepClassification()
    network = memory_network(FEATURES, LABELS, units=8)
    network.compile(keras.optimizers.Adam(0.03), task.loss(), metrics=task.metrics(), jit_compile=False)
    history = network.fit([values, np.full(64, 6, np.int32)], truth, epochs=40, batch_size=32, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] / 4 and history["accuracy"][-1] > 0.95


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "transformer"}, "`cell` must be one of lstm, gru, rnn, got `transformer`"),
        ({"match": "speed"}, "`match` must be one of units, weights, got `speed`"),
    ],
)
def test_unknown_choices_are_refused(options: dict, message: str):
    with pytest.raises(UsageError, match=message):
        memory_network(FEATURES, SUM, units=4, **options)


def test_other_targets_are_refused():
    several = Spec(name="sums", kind="value", shape=(2,), dtype="float32", axes=("sum",))
    with pytest.raises(UsageError, match=r"gives one number or labels, but the target is sums: float32\[sum=2\]"):
        memory_network(FEATURES, several, units=4)
    one = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("yes",))
    with pytest.raises(UsageError, match="gives one number or labels"):
        memory_network(FEATURES, one, units=4)
