"""Recordings that are read whenever they are passed over."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
from mlflow import MlflowClient

from zoo import catalog, runs, tracking
from zoo.datasets import own
from zoo.datasets.unchanged_files import unchanged
from zoo.progress import Silent
from zoo.request import Request
from zoo.types import RunError, Spec

INPUT = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=8000)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    draws = np.random.default_rng(0)
    for label in ("no", "yes"):
        (folder / label).mkdir(parents=True)
        for number in range(12):
            samples = draws.integers(-9000, 9000, 2000 + 100 * number).astype(np.int16)
            soundfile.write(folder / label / f"{number:02}.wav", samples, 8000)
    return folder


def test_passes_are_alike_and_hold_what_the_files_hold(clips: Path):
    train = own.load(clips, INPUT, "classification").splits["train"]
    one, two = ([(row["id"], row["input"]) for row in train.as_numpy_iterator()] for _ in range(2))
    assert [id for id, _ in one] == sorted(id for id, _ in one)
    for (id, samples), (id_again, samples_again) in zip(one, two, strict=True):
        written, _ = soundfile.read(clips / id.decode(), dtype="int16")
        assert id == id_again
        np.testing.assert_array_equal(samples, written.astype(np.float32) / 32768)
        np.testing.assert_array_equal(samples, samples_again)


@pytest.mark.parametrize("change", ["written anew", "cut off", "taken away"])
def test_a_file_that_changes_while_it_is_in_use_is_one_line(clips: Path, change: str):
    train = own.load(clips, INPUT, "classification").splits["train"]
    id = next(iter(train.as_numpy_iterator()))["id"].decode()
    if change == "written anew":
        soundfile.write(clips / id, np.zeros(2000, np.int16), 8000)
    elif change == "cut off":
        (clips / id).write_bytes((clips / id).read_bytes()[:10])
    else:
        (clips / id).unlink()
    with pytest.raises(RunError) as caught, unchanged():
        list(train)
    assert str(caught.value) == (
        f"`{clips / id}` is not what it was when the data was checked; "
        "leave the files alone while a run reads them, and run again."
    )


def test_a_run_whose_files_change_fails_with_that_line(place: Path, clips: Path):
    class Meddler(keras.callbacks.Callback):
        def on_train_begin(self, logs: dict | None = None) -> None:
            for file in clips.rglob("*.wav"):
                soundfile.write(file, np.zeros(2000, np.int16), 8000)

    settings = {"units": 4, "epochs": 1, "variants": 1}
    request = Request(file=catalog.find("spoken_digits"), settings=settings, data=clips, name="meddled")
    with pytest.raises(RunError, match="is not what it was when the data was checked; leave the files alone"):
        runs.carry_out(request, Silent(), callbacks=[Meddler()])
    (row,) = tracking.runs()
    assert row["status"] == "FAILED"
    found = MlflowClient().get_run(row["run_id"])
    assert "is not what it was when the data was checked" in found.data.tags["reason"]
