"""Electricity transformer temperature, on small tables laid out as the publisher's and on the publisher's own."""

from __future__ import annotations

import csv
import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.datasets import archives, ett
from zoo.datasets.windows import history
from zoo.types import RunError, Source, UsageError

MONTH = 3  # hours, so that 20 of them are 60 rows


def write(folder: Path, table: str, rows: int, header: tuple[str, ...] = ("date", *ett.COLUMNS)) -> Path:
    draws = np.random.default_rng(len(table))
    times = pd.date_range("2016-07-01", periods=rows, freq=ett.FREQUENCIES[table[0]])
    path = folder / f"ETT{table}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for time, values in zip(times, draws.normal(20, 5, (rows, 7)).round(6), strict=True):
            writer.writerow([time, *values])
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(ett, "MONTH_HOURS", MONTH)
    monkeypatch.setattr(ett, "ROWS", {"h1": 64, "h2": 64, "m1": 250, "m2": 250})
    monkeypatch.setattr(ett, "URL", "http://127.0.0.1:9/ETT-small")  # the discard port, where nothing listens
    place = tmp_path / "manual"
    place.mkdir()
    monkeypatch.setattr(ett, "CHECKSUMS", {"h1": hashlib.sha256(write(place, "h1", 64).read_bytes()).hexdigest()})
    write(place, "m1", 250)
    return place


def test_splits_are_12_4_and_4_months_and_rows_behind_are_not_used(folder, untouched):
    frame = pd.read_csv(folder / "ETTh1.csv")
    with untouched(folder):
        dataset = ett.load(Source(manual_dir=folder), history(6, 4), "h1")
    assert dict(dataset.sizes) == {"train": 36 - 6 - 4 + 1, "val": 12 - 4 + 1, "test": 12 - 4 + 1}
    values = frame[list(ett.COLUMNS)].to_numpy()
    mean, deviation = values[:36].mean(axis=0), values[:36].std(axis=0)
    for split, first, last in (("train", 6, 32), ("val", 36, 44), ("test", 48, 56)):
        rows = list(dataset.splits[split].as_numpy_iterator())
        assert (rows[0]["id"].decode(), rows[-1]["id"].decode()) == (frame["date"][first], frame["date"][last])
        np.testing.assert_array_equal(rows[0]["input"], values[first - 6 : first].astype(np.float32))
        np.testing.assert_allclose(rows[-1]["target"], (values[last : last + 4] - mean) / deviation, atol=1e-5)
    assert (dataset.target.series.names, dataset.target.series.frequency) == (ett.COLUMNS, "h")
    assert (dataset.origin, dataset.version, dataset.licence) == ("real", "1.0.0", "CC BY-ND 4.0")


def test_quarter_hours(folder):
    dataset = ett.load(Source(manual_dir=folder), history(6, 4), "m1")
    assert dict(dataset.sizes) == {"train": 144 - 9, "val": 48 - 3, "test": 48 - 3}
    assert (dataset.target.series.frequency, dataset.target.series.season) == ("15min", 96)


@pytest.mark.parametrize(
    ("table", "ahead", "published"),
    [
        (
            "h1",
            96,
            {"segrnn_96_mse": 0.368, "segrnn_720_mse": 0.351, "nlinear_336_mse": 0.374, "last_value_mse": 1.295},
        ),
        ("h1", 24, {}),
    ],
)
def test_published_figures_stand_at_their_horizons(folder, monkeypatch, table, ahead, published):
    monkeypatch.setattr(ett, "MONTH_HOURS", 24)
    monkeypatch.setattr(ett, "ROWS", {"h1": 480})
    path = write(folder, "h1", 480)
    monkeypatch.setattr(ett, "CHECKSUMS", {"h1": hashlib.sha256(path.read_bytes()).hexdigest()})
    assert ett.load(Source(manual_dir=folder), history(24, ahead), table).published == published


def test_wrong_files_are_refused(folder):
    source = Source(manual_dir=folder)
    (folder / "ETTh1.csv").write_text("date,OT\n")
    with pytest.raises(UsageError, match=r"`.*ETTh1\.csv` is not the publisher's file: its SHA-256 is .*, expected"):
        ett.load(source, history(6, 4), "h1")
    write(folder, "h2", 60)
    with pytest.raises(UsageError, match=r"is not the publisher's file: it has 60 rows of 64; fetch it again\."):
        ett.load(source, history(6, 4), "h2")
    write(folder, "h2", 64, ("date", *ett.COLUMNS[:-1], "oil"))
    with pytest.raises(UsageError, match=r"is not the publisher's file: its columns are \['date', .*'oil'\]; fetch it"):
        ett.load(source, history(6, 4), "h2")
    path = write(folder, "h2", 64)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:9], lines[9].rsplit(",", 1)[0] + ",warm", *lines[10:]]))
    with pytest.raises(
        UsageError, match=r"is not the publisher's file: line 10 has a cell that is no number; fetch it"
    ):
        ett.load(source, history(6, 4), "h2")


def test_wrong_settings_are_refused(folder):
    source = Source(manual_dir=folder)
    with pytest.raises(UsageError, match=r"`table` must be one of h1, h2, m1, m2, got 'x'\."):
        ett.load(source, history(6, 4), "x")
    with pytest.raises(UsageError, match=r"`known` is for your own tables, got promo; leave it out\."):
        ett.load(source, history(6, 4, known="promo"))
    said = r"`look_back` \+ `horizon` must fit into 36 steps and `horizon` into 12, got 33 and 4\."
    with pytest.raises(UsageError, match=said):
        ett.load(source, history(33, 4))


def test_without_file_and_network_one_line_says_what_to_do(folder):
    with pytest.raises(
        RunError, match=r"`ETTh2\.csv` is not here and .*cannot be fetched .*put that file into a folder"
    ):
        ett.load(Source(manual_dir=folder), history(6, 4), "h2")


def publishers_folder() -> Path | None:
    folders = [os.environ.get("ZOO_MANUAL_DIR"), Path(__file__).parents[2] / "shared" / "data" / "ett"]
    return next((Path(place) for place in folders if place and archives.find(Path(place), "ett", ("ETTh1.csv",))), None)


PUBLISHED = publishers_folder()  # the tests take ZOO_MANUAL_DIR away before they run


@pytest.mark.slow
@pytest.mark.skipif(PUBLISHED is None, reason="no ETTh1.csv in ZOO_MANUAL_DIR or ../shared/data/ett")
@pytest.mark.parametrize(("ahead", "windows"), [(96, 2785), (336, 2545), (720, 2161)])
def test_the_publishers_table(tmp_path, monkeypatch, ahead, windows):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    dataset = ett.load(Source(manual_dir=PUBLISHED), history(336, ahead))
    assert dict(dataset.sizes) == {"train": 8640 - 336 - ahead + 1, "val": windows, "test": windows}
    first = next(iter(dataset.splits["test"].as_numpy_iterator()))
    assert first["id"] == b"2017-10-24 00:00:00"  # row 11,520
    # the published error of the last value repeated leaves out the last windows, which do not fill a batch of 32
    series, errors = dataset.target.series, []
    for window in dataset.splits["test"].batch(64).as_numpy_iterator():
        last = (window["input"][:, -1:] - series.center) / series.scale
        errors.append(np.square(window["target"] - last).mean(axis=(1, 2)))
    published = ett.PUBLISHED["h1"]["last_value"][ett.HORIZONS.index(ahead)]
    assert np.concatenate(errors)[: windows // 32 * 32].mean() == pytest.approx(published, abs=6e-4)
