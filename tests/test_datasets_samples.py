"""The samples that ship with the zoo."""

from __future__ import annotations

import csv
import importlib.resources
import multiprocessing

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from zoo.datasets import samples
from zoo.datasets.windows import history
from zoo.types import BadData, Spec, UsageError

INPUT = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=8000)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))


def test_spoken_digits_loads_with_disjoint_voices():
    dataset = samples.load("spoken_digits", INPUT, "classification")
    assert dict(dataset.sizes) == {"train": 720, "val": 100, "test": 180}
    assert dataset.origin == "sample"
    assert dataset.licence == "CC0 1.0"
    assert dataset.target.classes == tuple("0123456789")
    voices = {}
    for split, examples in dataset.splits.items():
        seen = list(examples.as_numpy_iterator())
        assert np.bincount([example["target"] for example in seen]).tolist() == [len(seen) // 10] * 10
        for example in seen:
            digit, voice = example["id"].decode().removesuffix(".opus").split("_")
            assert int(digit) == example["target"]
            assert 0.1 < len(example["input"]) / 8000 < 2.0
            assert 0.02 < np.abs(example["input"]).max() <= 1.0
            voices.setdefault(voice, set()).add(split)
    assert all(len(splits) == 1 for splits in voices.values())
    assert samples.load("spoken_digits", INPUT, "classification").fingerprint == dataset.fingerprint


def test_time_averaged_spectrum_is_not_enough():
    dataset = samples.load("spoken_digits", INPUT, "classification")
    features, targets = {}, {}
    for split in ("train", "test"):
        examples = list(dataset.splits[split].as_numpy_iterator())
        features[split] = [mean_spectrum(example["input"]) for example in examples]
        targets[split] = [example["target"] for example in examples]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    score = model.fit(features["train"], targets["train"]).score(features["test"], targets["test"])
    assert 0.4 < score < 0.75  # learnable, not trivial


def mean_spectrum(samples: np.ndarray) -> np.ndarray:
    """Log power in 32 bands, averaged over frames of 32 ms."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 256)[::128] * np.hanning(256)
    power = np.abs(np.fft.rfft(frames))[:, :128] ** 2
    return np.log(power.reshape(len(frames), 32, 4).mean(axis=2) + 1e-5).mean(axis=0)


def test_it_is_small_and_says_its_licence():
    path = importlib.resources.files("zoo.datasets.samples") / "spoken_digits.zip"
    assert len(path.read_bytes()) < 1_000_000
    folder = samples.unpack("spoken_digits")
    assert "CC0" in (folder / "LICENSE").read_text()
    rows = list(csv.DictReader((folder / "clips.csv").read_text().splitlines()))
    assert list(rows[0]) == ["path", "label", "split", "group"]
    assert len(rows) == 1000


def test_a_damaged_file_is_unpacked_again(caplog: pytest.LogCaptureFixture):
    folder = samples.unpack("spoken_digits")
    whole = (folder / "clips.csv").read_bytes()
    (folder / "clips.csv").write_bytes(whole[:-5])
    assert samples.unpack("spoken_digits") == folder
    assert (folder / "clips.csv").read_bytes() == whole
    assert caplog.messages == [f"files of a sample in {folder} are damaged and are made again"]


def test_unpacking_at_once_from_several_processes_leaves_one_whole_folder(tmp_path):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        folders = set(pool.map(samples.unpack, ["spoken_digits"] * 3))
    assert len(folders) == 1
    assert len(list(folders.pop().iterdir())) == 1002
    assert len(list((tmp_path / "cache" / "samples").iterdir())) == 1


def test_carbon_dioxide_is_statsmodels_own_and_split_by_time():
    from statsmodels.datasets import co2

    weeks = co2.load_pandas().data["co2"].ffill()
    dataset = samples.load("carbon_dioxide", history(104, 26), "forecasting")
    assert (len(weeks), dataset.origin, dataset.licence) == (2284, "sample", "public domain")
    assert dict(dataset.sizes) == {"train": 1599 - 104 - 25, "val": 228 - 25, "test": 457 - 25}
    series = dataset.target.series
    assert (series.names, series.frequency, series.season) == (("co2",), "W-SAT", 52)
    np.testing.assert_allclose((series.center, series.scale), ([weeks[:1599].mean()], [weeks[:1599].std(ddof=0)]))
    first = next(iter(dataset.splits["test"].as_numpy_iterator()))
    assert first["id"].decode() == f"{weeks.index[1827]:%Y-%m-%d}"
    np.testing.assert_array_equal(first["input"][:, 0], weeks[1723:1827].to_numpy(np.float32))


def test_neither_the_last_value_nor_the_last_season_will_do_for_carbon_dioxide():
    dataset = samples.load("carbon_dioxide", history(104, 26, alone=True), "forecasting")
    season = dataset.references["test"]["seasonal_error"]
    for back in (1, 52):  # repeated over 26 weeks, both are worse than a year's difference was before the test
        errors = [
            np.abs(example["target"][:, 0] - np.resize(example["input"][-back:, 0], 26)).mean()
            for example in dataset.splits["test"].as_numpy_iterator()
        ]
        assert np.mean(errors / season[:, 0]) > 1.2


def test_carbon_dioxide_has_the_calendar_and_no_other_known_column():
    dataset = samples.load("carbon_dioxide", history(104, 26, alone=True, calendar=True), "forecasting")
    assert dataset.input.shape == (130, 7)
    with pytest.raises(UsageError, match=r"`known` is for your own tables, got promo; leave it out\."):
        samples.load("carbon_dioxide", history(104, 26, known="promo", calendar=True), "forecasting")
    with pytest.raises(BadData, match="the sample: has 2284 steps, of which 1599 are left to train on"):
        samples.load("carbon_dioxide", history(2000, 26), "forecasting")


def test_unknown_sample():
    with pytest.raises(UsageError, match="there is no sample `digits`; there are: spoken_digits, carbon_dioxide, ink"):
        samples.load("digits", INPUT, "classification")
