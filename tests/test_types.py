from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from zoo.types import BadData, Dataset, RunError, Spec, Training, UsageError

AUDIO = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=8000)
LOAD = Spec(name="load", kind="series", shape=(None, 3), dtype="float32", axes=("hour", "meter"), unit="kW")


def test_a_spec_says_what_it_is_in_one_line():
    assert str(AUDIO) == "audio: float32[sample] at 8000 Hz"
    assert str(LOAD) == "load: float32[hour, meter=3] in kW"
    assert str(Spec(name="label", kind="label", shape=(), dtype="int64", axes=())) == "label: int64[]"


def test_a_spec_names_every_axis():
    with pytest.raises(ValueError, match=r"`axes` must name each of the 2 dimensions of `shape`, got \('step',\)"):
        Spec(name="x", kind="series", shape=(None, 2), dtype="float32", axes=("step",))


def test_a_spec_accepts_the_same_and_more_definite_shapes():
    free = dataclasses.replace(LOAD, shape=(None, None))
    assert free.accepts(LOAD) and LOAD.accepts(LOAD)
    assert not LOAD.accepts(free)
    assert LOAD.accepts(dataclasses.replace(LOAD, name="other", unit="W", classes=("a",)))


@pytest.mark.parametrize(
    "change",
    [
        {"shape": (None, 4)},
        {"shape": (None,), "axes": ("hour",)},
        {"dtype": "float64"},
        {"kind": "ink"},
        {"rate_hz": 16000},
    ],
)
def test_a_spec_refuses_what_differs(change: dict):
    assert not LOAD.accepts(dataclasses.replace(LOAD, **change))


def test_bad_data_lists_every_fault():
    many = BadData("words.csv", ["line 2: no label", "line 7: a.wav does not exist"])
    assert str(many) == (
        "`words.csv` has 2 faults; mend or remove these and run again:\n"
        "  line 2: no label\n  line 7: a.wav does not exist"
    )
    assert many.faults == ["line 2: no label", "line 7: a.wav does not exist"]
    assert str(BadData("a", ["b"])) == "`a` has 1 fault; mend or remove these and run again:\n  b"
    assert isinstance(many, UsageError)
    assert not issubclass(RunError, UsageError)


def test_tests_of_a_dataset_are_its_test_splits_in_order():
    about = dict.fromkeys(("name", "version", "fingerprint", "citation", "licence"), "")
    splits = dict.fromkeys(("train", "test_noisy", "val", "test_clean"))
    dataset = Dataset(origin="own", input=AUDIO, target=AUDIO, splits=splits, sizes={}, **about)
    assert dataset.tests == ("test_noisy", "test_clean")


def test_plain_types_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        AUDIO.rate_hz = 16000
    with pytest.raises(dataclasses.FrozenInstanceError):
        Training(epochs=1, batch_size=1, learning_rate=1.0).epochs = 2


def test_types_import_nothing_heavy():
    heavy = {"keras", "tensorflow", "mlflow", "numpy", "pandas"}
    code = f"import sys, zoo.types, zoo.recipe; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
