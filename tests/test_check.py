from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from zoo import catalog, check
from zoo.datasets import windows

CONTRACT = [what for what, _ in check._contract({})]
TRAINED = "loss falls, output fits, saved, reloaded and exported answers are equal"


def recipe(folder: Path, **replaced: str) -> Path:
    """The recipe `adding`, tiny, with some of its text replaced."""
    text = catalog.find("adding").read_text().replace("units: int = 64", "units: int = 4")
    for old, new in replaced.values():
        assert old in text
        text = text.replace(old, new)
    file = folder / "mine.py"
    file.write_text(text)
    return file


def finding(what: str, file: Path) -> tuple[bool, str]:
    """One finding of the contract; trying all of it on every wrong recipe would take minutes."""
    _, holds, detail = check._try(what, dict(check._contract({}))[what], file)
    return holds, detail


NETWORK = """zoo.architectures.memory_network(
            features,
            target,
            units=units,
            cell=cell,
            match=match,
            forget_bias=forget_bias,
            span=length if chrono else None,
        )"""


def network_with(**arguments: str) -> tuple[str, str]:
    """A replacement for the network: one LSTM with these arguments, beside a plain one."""
    options = ", ".join(f"{name}={value}" for name, value in arguments.items())
    body = (
        "keras.Model([values, length], keras.layers.Reshape(())(keras.layers.Dense(1)(\n"
        f"        keras.layers.LSTM(units, name='slow', {options})(\n"
        "            keras.layers.LSTM(units, return_sequences=True, name='fast')(values)))))"
    )
    inputs = "values = keras.Input((None, 2)); length = keras.Input((), dtype='int32')\n        return "
    return f"return {NETWORK}", inputs + body


KERAS = ("import zoo\n", "import keras\nimport zoo\n")


@pytest.mark.slow  # test_recipes.py does it with the recipes themselves
def test_a_sound_recipe_keeps_the_whole_contract(tmp_path: Path):
    found = check.check(recipe(tmp_path))
    assert [what for what, _, _ in found] == CONTRACT
    assert [(what, detail) for what, holds, detail in found if not holds] == []
    details = {what: detail for what, _, detail in found}
    assert details["every LSTM is cuDNN's on a GPU"] == "1 LSTM layers"
    assert details["imports only zoo"] == "zoo"


def test_a_header_without_a_heading_is_found(tmp_path: Path):
    holds, detail = finding("header is complete", recipe(tmp_path, cut=("Licence   none needed, generated\n", "")))
    assert not holds and "must open with a docstring that has a line `Licence   ...`" in detail


def test_a_forbidden_import_is_found(tmp_path: Path):
    holds, detail = finding("imports only zoo", recipe(tmp_path, imports=("import zoo\n", "import os\nimport zoo\n")))
    assert not holds and detail == "ValueError: a recipe imports only zoo and typing, got os"


def test_an_import_inside_a_function_is_found(tmp_path: Path):
    inside = ("    def sample(source):\n", "    def sample(source):\n        from sklearn import svm\n\n")
    holds, detail = finding("imports only zoo", recipe(tmp_path, imports=inside))
    assert not holds and detail.endswith("got sklearn")


def test_settings_that_change_from_call_to_call_are_found(tmp_path: Path):
    counted = ("import zoo\n", "import zoo\n\nCALLS = []\n")
    drawn = ("epochs=epochs", "epochs=CALLS.append(1) or len(CALLS)")
    shared = ("CALLS = []", "zoo.CALLS = CALLS = getattr(zoo, 'CALLS', [])")
    holds, detail = finding("two calls give equal settings", recipe(tmp_path, one=counted, two=drawn))
    assert holds, detail  # every call reads the file anew
    file = recipe(tmp_path, one=(counted[0], counted[1].replace(*shared)), two=drawn)
    holds, detail = finding("two calls give equal settings", file)
    assert not holds and detail == "ValueError: training differs between two calls of recipe()"


def test_a_recipe_that_needs_its_folder_is_found(tmp_path: Path):
    (tmp_path / "units.txt").write_text("4")
    here = (
        "import zoo\n",
        "import pathlib\nimport zoo\n\nUNITS = int(pathlib.Path(__file__).with_name('units.txt').read_text())\n",
    )
    holds, detail = finding("runs when copied elsewhere", recipe(tmp_path, here=here))
    assert not holds and "units.txt" in detail


@pytest.mark.parametrize("argument", [{"recurrent_dropout": "0.2"}, {"activation": "'relu'"}, {"use_bias": "False"}])
def test_an_lstm_off_cudnn_is_found_by_its_name(tmp_path: Path, argument: dict[str, str]):
    file = recipe(tmp_path, imports=KERAS, network=network_with(**argument))
    holds, detail = finding("every LSTM is cuDNN's on a GPU", file)
    assert not holds
    shown = "=".join(*argument.items())
    ours = "fast: it is Keras's LSTM, whose export holds one kernel; take zoo.layers.LSTM"
    assert detail == f"ValueError: not on cuDNN: {ours}; slow: {shown} rules cuDNN out"


def test_an_argument_that_the_zoos_lstm_does_not_have_is_named(tmp_path: Path):
    body = "return zoo.layers.LSTM(units, recurrent_dropout=0.2)"
    holds, detail = finding("every LSTM is cuDNN's on a GPU", recipe(tmp_path, network=(f"return {NETWORK}", body)))
    assert not holds
    assert detail.startswith("ValueError: `recurrent_dropout` must be left out, got recurrent_dropout=0.2")


def test_a_recipe_without_an_lstm_is_found(tmp_path: Path):
    file = recipe(tmp_path, network=(NETWORK, NETWORK.replace("cell=cell", "cell='gru'")))
    holds, detail = finding("every LSTM is cuDNN's on a GPU", file)
    assert not holds and detail == "ValueError: there is no LSTM layer"


FRONTEND = """

class Loudest(keras.layers.Layer):
    def call(self, values, length):
        return values - keras.ops.mean(values, axis=1, keepdims=True), length

    def features(self, input):
        return input
"""


def test_a_frontend_that_sees_the_padding_is_found(tmp_path: Path):
    file = recipe(
        tmp_path,
        imports=(KERAS[0], KERAS[1] + FRONTEND),
        frontend=("        network=network,\n", "        network=network,\n        frontend=Loudest,\n"),
    )
    holds, detail = finding(TRAINED, file)
    assert not holds
    assert detail.startswith("ValueError: the export's proof failed: ['value ") and "differs by up to" in detail


@pytest.mark.slow
def test_a_loss_that_does_not_fall_is_found(tmp_path: Path):
    file = recipe(tmp_path, rate=("learning_rate=learning_rate", "learning_rate=0.0"))
    holds, detail = finding(TRAINED, file)
    assert not holds and detail.startswith("ValueError: the loss does not fall on random data: [")


@pytest.mark.slow
def test_a_network_of_the_wrong_shape_is_found(tmp_path: Path):
    flat = (
        f"return {NETWORK}",
        "values = keras.Input((None, 2)); length = keras.Input((), dtype='int32')\n"
        "        steps = keras.layers.LSTM(units, return_sequences=True)(values)\n"
        "        return keras.Model([values, length], keras.layers.Dense(1)(steps))",
    )
    holds, detail = finding(TRAINED, recipe(tmp_path, imports=KERAS, network=flat))
    assert not holds and detail


def test_random_data_fits_the_recipe_and_starts_with_one_step():
    for name in catalog.names():
        built = catalog.load(catalog.find(name), {})
        dataset = check.random_data(built)
        rows = list(dataset.splits["train"].as_numpy_iterator())
        assert built.input.accepts(dataset.input)
        if built.input.kind == "image":
            steps = [tf.transpose(tf.io.decode_png(row["input"])[:, ::4, 0]).numpy() for row in rows]  # 4 columns each
        else:
            steps = [row["input"].split() if built.input.kind == "text" else row["input"] for row in rows]
        assert len(rows) == check.EXAMPLES
        if built.input.series is not None:  # windows are all alike
            assert {row.shape for row in steps} == {dataset.input.shape}
            continue
        if not dataset.target.shape:  # else they are of one length
            assert len(steps[0]) == 1 and len({len(row) for row in steps}) > 5
        if built.input.kind not in ("image", "text"):
            assert all(row.shape[1:] == built.input.shape[1:] for row in steps)


SERIES = [name for name in catalog.names() if catalog.load(catalog.find(name), {}).input.series is not None]


@pytest.mark.parametrize("name", SERIES)
def test_random_series_are_windows_of_a_wave_and_known_columns_go_on(name: str):
    built = catalog.load(catalog.find(name), {})
    dataset = check.random_data(built)
    series, count = dataset.input.series, dataset.target.shape[1]
    back = windows.look_back(dataset.input)
    assert count == (2 if built.input.shape[1] is None else 1)
    assert series.ahead == built.input.series.ahead == dataset.target.shape[0]
    rows = list(dataset.splits["val"].as_numpy_iterator())
    for row, later in itertools.pairwise(rows):
        np.testing.assert_array_equal(row["input"][1:back], later["input"][: back - 1])
        assert (row["input"][:back, :count] > 0).all() and not row["input"][back:, :count].any()
    if series.known:
        assert np.abs(rows[0]["input"][back:, count:]).max() > 0.1


def test_there_are_recipes_of_series():
    assert len(SERIES) >= 3
