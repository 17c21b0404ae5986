"""The translator: what it answers, attends to, saves and learns."""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from test_architectures_beam import Chances, by_lists

from zoo import kernels
from zoo.architectures.translation import Translator, translator
from zoo.layers import lstm
from zoo.layers.subwords import BEGIN, END
from zoo.types import Spec, UsageError

READ, WRITTEN = 9, 7
SIGNATURE = [tf.TensorSpec([None, None], tf.int32, "ids"), tf.TensorSpec([None], tf.int32, "length")]
SETTINGS = {"units": 6, "embedding": 6, "dropout": 0.3, "word_dropout": 0.1, "beam": 3, "longest": 8}


def spec(size: int) -> Spec:
    classes = tuple(f"piece {number}" for number in range(size))
    return Spec(name="pieces", kind="text", shape=(None,), dtype="int32", axes=("piece",), classes=classes)


@pytest.fixture(scope="module")
def network() -> Translator:
    """Weights so large that its answers are sure, and differ by source; and it does not like to end."""
    made = translator(spec(READ), spec(WRITTEN), **SETTINGS)
    draws = np.random.default_rng(1)
    made.set_weights([draws.normal(0, 0.8, weight.shape) for weight in made.get_weights()])
    made.bias.assign(tf.one_hot(END, WRITTEN) * -2)
    return made


def twin(network: Translator, **settings: object) -> Translator:
    """The same weights under other settings."""
    made = Translator.from_config({**network.get_config(), **settings})
    made.build()
    made.set_weights(network.get_weights())
    return made


@functools.cache
def compiled(network: Translator) -> Callable:
    """The search, traced once for all batches."""
    return tf.function(lambda ids, length: network([ids, length]), input_signature=SIGNATURE)


def sources(lengths: list[int], padding: int = 0) -> list[tf.Tensor]:
    ids = np.full((len(lengths), max(lengths)), padding, np.int32)
    for row, length in enumerate(lengths):
        ids[row, :length] = np.random.default_rng(row).integers(2, READ, length)
    return [tf.constant(ids), tf.constant(lengths, tf.int32)]


def given(lengths: list[int]) -> tf.Tensor:
    ids = np.full((len(lengths), max(lengths) + 2), -1, np.int32)
    for row, length in enumerate(lengths):
        ids[row, : length + 2] = [BEGIN, *np.random.default_rng(row + 50).integers(3, WRITTEN, length), END]
    return tf.constant(ids)


def after(network: Translator, source: list[tf.Tensor], row: int) -> Chances:
    """Chances by the network's own logits for a given answer, of one source alone."""
    size = int(source[1][row])
    alone = [source[0][row : row + 1, :size], source[1][row : row + 1]]
    signature = [tf.TensorSpec([1, None], tf.int32)]
    logits = tf.function(lambda answer: network([*alone, answer])[0, -1], input_signature=signature)

    def of(written: list[int]) -> np.ndarray:
        return logits(tf.constant([[BEGIN, *written, END]])).numpy()

    return of


@pytest.mark.parametrize("beam", [1, 3])
def test_answers_are_those_of_a_search_over_the_logits(network: Translator, beam: int):
    other = twin(network, beam=beam)
    source = sources([4, 1, 6])
    made = compiled(other)(*source)
    for row, length in enumerate(source[1].numpy()):
        expected, score = by_lists(after(network, source, row), min(2 * length + 10, 8), beam, 0.6)
        assert made["pieces"][row, : made["length"][row]].numpy().tolist() == expected
        assert float(made["score"][row]) == pytest.approx(score, abs=1e-4)
    assert len({tuple(row) for row in made["pieces"].numpy()}) > 1  # they do depend on the source


def test_answers_are_no_longer_than_the_source_allows(network: Translator):
    other = twin(network, longest=100)
    other.bias.assign(tf.one_hot(END, WRITTEN) * -1000)
    assert compiled(other)(*sources([4, 1]))["length"].numpy().tolist() == [18, 12]


def test_logits_step_by_step_are_those_of_the_whole_answer(network: Translator):
    source, answer = sources([4, 2]), given([5, 3])
    encoded = network._encoded(*source, False)
    states, found = encoded["states"], []
    for t in range(6):
        logits, states = network._next(encoded, tf.maximum(answer[:, t], 0), states)
        found.append(logits)
    whole = network([*source, answer])
    assert whole.shape == (2, 6, WRITTEN)
    np.testing.assert_allclose(tf.stack(found, 1), whole, atol=1e-5)


def test_a_deeper_encoder_sees_no_padding_either():
    network = translator(spec(READ), spec(WRITTEN), units=4, embedding=6, layers=2)
    ids, length = sources([6, 3], padding=READ - 1)
    answer = given([4, 4])
    alone = network([ids[1:, :3], length[1:], answer[1:]])
    np.testing.assert_allclose(network([ids, length, answer])[1], alone[0], atol=1e-6)
    assert len(kernels.lstm_layers(network)) == 6


def test_padding_is_not_seen_and_no_row_sees_another(network: Translator):
    lengths, sizes = [6, 1, 3], [5, 2, 0]
    ids, length = sources(lengths, padding=READ - 1)
    answer = given(sizes)
    logits, made = network([ids, length, answer]).numpy(), compiled(network)(ids, length)
    for row, (size, written) in enumerate(zip(lengths, sizes, strict=True)):
        alone = [ids[row : row + 1, :size], length[row : row + 1]]
        expected = network([*alone, answer[row : row + 1, : written + 2]])[0]
        np.testing.assert_allclose(logits[row, : written + 1], expected, atol=1e-5)
        other = compiled(network)(*alone)
        count = int(other["length"][0])
        assert made["pieces"][row, :count].numpy().tolist() == other["pieces"][0, :count].numpy().tolist()
        assert int(made["length"][row]) == count and not made["pieces"][row, count:].numpy().any()
        assert float(made["score"][row]) == pytest.approx(float(other["score"][0]), abs=1e-5)


def test_a_source_without_pieces_answers(network: Translator):
    made = compiled(network)(tf.zeros([2, 1], tf.int32), tf.constant([0, 1]))
    assert np.isfinite(made["score"]).all()


def test_attention_adds_up_to_one_within_the_source(network: Translator):
    weights = network.attention([*sources([4, 2]), given([5, 3])]).numpy()
    assert weights.shape == (2, 6, 4)
    np.testing.assert_allclose(weights.sum(2), 1, atol=1e-5)
    assert not weights[1, :, 2:].any() and weights.std() > 0.05


def test_saved_network_answers_the_same(network: Translator, tmp_path):
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert loaded.get_config() == network.get_config()
    source, answer = sources([6, 2]), given([4, 1])
    np.testing.assert_allclose(loaded([*source, answer]), network([*source, answer]), atol=1e-6)
    for name, value in compiled(loaded)(*source).items():
        np.testing.assert_allclose(value, compiled(network)(*source)[name], atol=1e-5)


def export(network: Translator, path: str) -> object:
    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint("serve", lambda ids, length: network([ids, length]), input_signature=SIGNATURE)
    archive.write_out(path, verbose=False)
    return tf.saved_model.load(path)


@pytest.mark.parametrize("called", ["CPU", "GPU"])
def test_exported_network_holds_both_kernels_of_every_layer_and_answers_the_same(
    network: Translator, called: str, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    """With "GPU" the graph calls cuDNN's kernel, in the loop too, and TensorFlow has to put the CPU's in its place."""
    both = lstm.both_devices
    monkeypatch.setattr(lstm, "both_devices", lambda choice, arguments: both(choice, arguments, called))
    loaded = export(network, str(tmp_path / "export"))
    for lengths in ([6, 2], [1], [9, 9, 9]):
        source = sources(lengths)
        expected = compiled(network)(*source)
        for name, value in loaded.serve(*source).items():
            np.testing.assert_allclose(value, expected[name], atol=1e-5)
    saved = SavedModel.FromString((tmp_path / "export" / "saved_model.pb").read_bytes())
    functions = saved.meta_graphs[0].graph_def.library.function
    for layer in kernels.lstm_layers(network):
        for device, op in (("CPU", "BlockLSTMV2"), ("GPU", "CudnnRNNV3")):
            assert any(
                part.attr["api_preferred_device"].s.decode() == device
                and any(node.op == op and lstm.scope(layer.path) in node.name for node in part.node_def)
                for part in functions
            ), (layer.path, device)
    assert len(kernels.lstm_layers(network)) == 4


def test_nothing_keeps_any_layer_off_cudnn(network: Translator):
    assert set(kernels.obstacles(network, spec(READ)).values()) == {""}


def test_training_runs_the_fused_kernels_over_the_whole_answer(network: Translator):
    with kernels.pretend_gpu():
        made = tf.function(lambda: network([*sources([4]), given([5])], training=True)).get_concrete_function()
    ops = [node.type for node in made.graph.get_operations()]
    assert ops.count("CudnnRNNV3") == 4 and "While" not in ops and "StatelessWhile" not in ops


def test_network_learns_to_turn_sequences_around():
    keras.utils.set_random_seed(0)
    network = translator(spec(READ), spec(READ), units=32, embedding=24, dropout=0.0, beam=2)
    draws = np.random.default_rng(0)
    ids = draws.integers(3, READ, (256, 4)).astype(np.int32)
    answers = np.concatenate([np.full((256, 1), BEGIN), ids[:, ::-1], np.full((256, 1), END)], 1).astype(np.int32)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(0.02), lambda y, x: loss(y[:, 1:], x), jit_compile=False)
    history = network.fit([ids, np.full(256, 4, np.int32), answers], answers, epochs=16, batch_size=64, verbose=0)
    assert history.history["loss"][-1] < 0.2 < 1 < history.history["loss"][0]
    new = draws.integers(3, READ, (64, 4)).astype(np.int32)
    made = compiled(network)(new, np.full(64, 4, np.int32))
    same = [row[:size].tolist() == want[::-1].tolist() for row, size, want in zip(
        made["pieces"].numpy(), made["length"].numpy(), new, strict=True)]  # fmt: skip
    assert np.mean(same) > 0.6  # of 1,296 that there are, a fifth was seen


def test_specs_without_pieces_are_refused():
    with pytest.raises(UsageError, match=r"needs the pieces of both languages, and pieces: int32\[piece\] has 0"):
        translator(spec(READ), spec(0), units=4)


def test_a_beam_of_nothing_is_refused():
    with pytest.raises(UsageError, match="`beam` must be at least 1, which takes the likeliest next piece, got 0"):
        translator(spec(READ), spec(WRITTEN), beam=0)
