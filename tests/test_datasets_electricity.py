"""UCI's electricity load, on a small file in its layout: semicolons, decimal commas, quarters of an hour."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from zoo.datasets import clock, electricity
from zoo.datasets.windows import history
from zoo.types import RunError, Source, UsageError

DAYS = 30
INPUT = history(12, 6, alone=True, calendar=True)


def text(names: tuple[str, ...] = ("MT_001", "MT_002", "MT_003", "MT_004")) -> tuple[str, np.ndarray]:
    """Thirty days of 2011, and what they hold: a customer from the start, a late one, one that ends, and none."""
    draws = np.random.default_rng(0)
    times = pd.date_range("2011-01-01 00:15", periods=DAYS * 96, freq="15min")  # the time stands at a quarter's end
    values = draws.uniform(1, 9, (len(times), len(names))).round(4)
    values[: 8 * 96, 1] = 0
    values[26 * 96 :, 2] = 0
    values[:, 3] = 0
    lines = [";".join(['""', *(f'"{name}"' for name in names)])]
    for time, row in zip(times, values, strict=True):
        lines.append(";".join([f'"{time}"', *(f"{value}".replace(".", ",") for value in row)]))
    return "\n".join(lines) + "\n", values


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(electricity, "URL", "http://127.0.0.1:9/LD2011_2014.txt.zip")  # where nothing listens
    for name, day in {"BEGIN": 5, "VAL": 20, "TEST": 24, "END": 28}.items():
        monkeypatch.setattr(electricity, name, day)
    place = tmp_path / "manual"
    place.mkdir()
    (place / "LD2011_2014.txt").write_text(text()[0])
    return place


def hourly(column: int) -> pd.Series:
    """Means of the quarters whose stamps fall into each hour."""
    values = text()[1][:, column]
    times = pd.date_range("2011-01-01 00:15", periods=len(values), freq="15min")
    return pd.Series(values, times.floor("h")).groupby(level=0).mean()


def test_splits_are_days_and_customers_are_there_while_they_have_a_meter(folder, untouched):
    with untouched(folder):
        dataset = electricity.load(Source(manual_dir=folder), INPUT)
    hours = {"MT_001": (15 - 0) * 24, "MT_002": (20 - 8) * 24, "MT_003": 15 * 24}  # of train
    assert dataset.sizes["train"] == sum(steps - 12 - 6 + 1 for steps in hours.values())
    assert dataset.sizes["val"] == 3 * (4 * 24 - 6 + 1)
    # the third ends with the 26th day, whose last quarter is stamped 00:00
    assert dataset.sizes["test"] == 2 * (4 * 24 - 6 + 1) + (2 * 24 + 1 - 6 + 1)
    rows = list(dataset.splits["test"].as_numpy_iterator())
    assert rows[0]["id"] == b"MT_001 2011-01-25 00:00:00"
    assert rows[91]["id"] == b"MT_002 2011-01-25 00:00:00"
    for row, column in ((rows[0], 0), (rows[91], 1)):
        expected = hourly(column)["2011-01-24 12:00":"2011-01-25 05:00"].to_numpy()
        np.testing.assert_allclose(row["input"][:12, 0], expected[:12], rtol=1e-6)
        np.testing.assert_allclose(row["target"][:, 0], expected[12:], rtol=1e-6)
        times = [str(time) for time in pd.date_range("2011-01-24 12:00", periods=18, freq="h")]
        np.testing.assert_allclose(row["input"][:, 1:], clock.calendar(times), atol=1e-6)
        assert not row["input"][12:, 0].any()
    train = list(dataset.splits["train"].as_numpy_iterator())
    assert train[0]["id"] == b"MT_001 2011-01-06 12:00:00"
    first_of_second = 15 * 24 - 12 - 6 + 1
    assert train[first_of_second]["id"] == b"MT_002 2011-01-09 12:00:00"
    assert dataset.references["test"]["series"].tolist() == ["MT_001"] * 91 + ["MT_002"] * 91 + ["MT_003"] * 44
    assert dataset.target.series.frequency == "h" and dataset.licence == "CC BY 4.0"


def test_the_zip_is_the_same_with_what_macos_leaves_in_it(folder):
    plain = electricity.read(folder / "LD2011_2014.txt")
    with zipfile.ZipFile(folder / "LD2011_2014.txt.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "LD2011_2014.txt", "LD2011_2014.txt")
        archive.writestr("__MACOSX/._LD2011_2014.txt", b"\x00\x05\x16\x07")
    pd.testing.assert_frame_equal(plain, electricity.read(folder / "LD2011_2014.txt.zip"))
    pd.testing.assert_series_equal(plain["MT_001"], hourly(0), check_names=False, check_freq=False)
    (folder / "LD2011_2014.txt").unlink()
    assert electricity.load(Source(manual_dir=folder), INPUT).sizes["test"] > 0


def test_windows_are_thinned_evenly(folder, monkeypatch):
    monkeypatch.setattr(electricity, "VAL_WINDOWS", 10)
    dataset = electricity.load(Source(manual_dir=folder), INPUT, train_windows=30)
    assert (dataset.sizes["train"], dataset.sizes["val"]) == (30, 10)
    ids = [example["id"].decode() for example in dataset.splits["train"].as_numpy_iterator()]
    assert len(ids) == 30 and {id.split()[0] for id in ids} == {"MT_001", "MT_002", "MT_003"}


def test_without_the_calendar(folder):
    dataset = electricity.load(Source(manual_dir=folder), history(12, 6, alone=True))
    assert dataset.input.shape == (12, 1) and dataset.target.series.known == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("date,OT\n2016-07-01 00:00:00,5.8\n", "unconverted data remains when parsing"),
        ('"";"MT_001"\n"2011-01-01 00:15:00";much\n', "could not convert string to float"),
        ('""\n"2011-01-01 00:15:00"\n', "no column beside the time"),
        ("", "No columns to parse from file"),
    ],
)
def test_other_files_are_refused(folder, content, reason):
    (folder / "LD2011_2014.txt").write_text(content)
    with pytest.raises(UsageError, match=rf"`.*LD2011_2014\.txt` is not UCI's file \(.*{reason}.*\); fetch it again\."):
        electricity.load(Source(manual_dir=folder), INPUT)


def test_an_archive_without_the_file_is_refused(folder):
    with zipfile.ZipFile(folder / "LD2011_2014.txt.zip", "w") as archive:
        archive.writestr("other.txt", "x")
    with pytest.raises(
        UsageError, match=r"is not UCI's file \(.*no item named 'LD2011_2014\.txt'.*\); fetch it again\."
    ):
        electricity.load(Source(manual_dir=folder), INPUT)


def test_wrong_settings_are_refused(folder):
    source = Source(manual_dir=folder)
    with pytest.raises(UsageError, match=r"`known` is for your own tables, got promo; leave it out\."):
        electricity.load(source, history(12, 6, alone=True, known="promo", calendar=True))
    with pytest.raises(UsageError, match=r"`horizon` must fit into the test's 96 hours, got 97\."):
        electricity.load(source, history(12, 97, alone=True))
    with pytest.raises(UsageError, match=r"`look_back` leaves no customer a train window, got 1000; set less\."):
        electricity.load(source, history(1000, 6, alone=True))


def test_without_file_and_network_one_line_says_what_to_do(folder):
    (folder / "LD2011_2014.txt").unlink()
    with pytest.raises(RunError, match=r"`LD2011_2014\.txt\.zip` is not here and .* cannot be fetched .*put that file"):
        electricity.load(Source(manual_dir=folder), INPUT)
