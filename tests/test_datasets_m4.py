"""The M4 competition's hourly series, on small files laid out as the organisers'."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo.datasets import m4
from zoo.datasets.windows import history
from zoo.types import RunError, Source, UsageError

LENGTHS = {"H1": 200, "H2": 260, "H10": 200}
INPUT = history(48, 48, alone=True, positive=True)


def quoted(cells: list) -> str:
    return ",".join(f'"{cell}"' for cell in cells)


def write(folder: Path, lengths: dict[str, int] = LENGTHS) -> dict[str, np.ndarray]:
    """The organisers' layout: quoted cells, a header V1, V2, ..., and empty cells behind the end of a series."""
    folder.mkdir(exist_ok=True)
    draws = np.random.default_rng(0)
    values = {
        name: (
            draws.uniform(50, 100) * (1.5 + np.sin(np.arange(steps + 48) / 24 * 2 * np.pi))
            + draws.uniform(0, 5, steps + 48)
        ).round(1)
        for name, steps in lengths.items()
    }
    widest = max(lengths.values())
    rows = {"Hourly-train.csv": [], "Hourly-test.csv": []}
    for name, steps in lengths.items():
        rows["Hourly-train.csv"].append([name, *values[name][:steps], *[""] * (widest - steps)])
        rows["Hourly-test.csv"].append([name, *values[name][steps:]])
    for file, lines in rows.items():
        header = quoted([f"V{column + 1}" for column in range(len(lines[0]))])
        (folder / file).write_text("\n".join([header, *map(quoted, lines)]) + "\n")
    return values


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(m4, "URL", "http://127.0.0.1:9/M4")  # the discard port, where nothing listens
    return tmp_path / "manual"


def test_the_hours_to_be_told_are_test_and_those_before_val(folder, untouched):
    values = write(folder)
    with untouched(folder):
        dataset = m4.load(Source(manual_dir=folder), INPUT)
    assert dict(dataset.sizes) == {"train": 2 * (200 - 48 - 95) + (260 - 48 - 95), "val": 3, "test": 3}
    for split, back in (("val", 96), ("test", 48)):
        rows = list(dataset.splits[split].as_numpy_iterator())
        assert [row["id"].decode().split()[0] for row in rows] == ["H1", "H2", "H10"]
        for row, (name, series) in zip(rows, values.items(), strict=True):
            start = len(series) - back
            assert row["id"].decode() == f"{name} {start + 1}"
            np.testing.assert_array_equal(row["input"][:, 0], series[start - 48 : start].astype(np.float32))
            np.testing.assert_array_equal(row["target"][:, 0], series[start : start + 48].astype(np.float32))
    assert (dataset.target.series.season, dataset.target.series.frequency) == (24, "")
    assert dataset.published["es_rnn_owa"] == 0.440
    train = m4.load(Source(manual_dir=folder), INPUT, final=True).splits["train"]
    assert (
        next(iter(train.skip(104).as_numpy_iterator()))["id"] == b"H1 153"
    )  # reaches to the last hour before the test


def test_references_are_the_organisers(folder):
    values = write(folder)
    found = m4.load(Source(manual_dir=folder), INPUT).references["test"]
    for row, series in enumerate(values.values()):
        given = series[:-48]
        scale = np.mean(np.abs(given[24:] - given[:-24]))
        np.testing.assert_allclose(found["seasonal_error"][row], scale, rtol=1e-6)  # TFDS keeps float32
        assert found["naive2"][row].shape == (48, 1)
        np.testing.assert_allclose(found["naive2"][row][:24], found["naive2"][row][24:])  # the season comes again
        np.testing.assert_allclose(found["naive2"][row, 23, 0], given[-1], rtol=1e-5)


def test_files_in_their_own_folder_and_missing_values_written_as_na(folder):
    values = write(folder)
    (folder / "m4").mkdir()
    for name in m4.FILES:
        text = (folder / name).read_text().replace('""', '"NA"')
        (folder / "m4" / name).write_text(text + "\n")
        (folder / name).unlink()
    dataset = m4.load(Source(manual_dir=folder), INPUT)
    assert dataset.sizes["test"] == 3
    np.testing.assert_array_equal(m4.read(folder / "m4" / "Hourly-train.csv")["H1"], values["H1"][:200])


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("Hourly-train.csv", '"H2"', '"H9"', r"`.*Hourly-test\.csv` must have the series of the train file, and it has "
         r"3, not the 3 there; fetch both again\."),
        ("Hourly-test.csv", '"H10"', "", r"must have the series of the train file"),
        ("Hourly-train.csv", '"H2","', '"H2","much', r"`.*Hourly-train\.csv` is not the organisers' file: line 3, "
         r"series `H2`, has a cell that is no number; fetch it again\."),
        ("Hourly-test.csv", '"H1",', '"H1","5",', r"`.*Hourly-test\.csv` must have 48 values of each series, `H1` has "
         r"49"),
    ],
)  # fmt: skip
def test_wrong_files_are_refused(folder, file, old, new, said):
    write(folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=said):
        m4.load(Source(manual_dir=folder), INPUT)


def test_wrong_settings_are_refused(folder):
    write(folder)
    source = Source(manual_dir=folder)
    with pytest.raises(UsageError, match=r"`horizon` must be 48, as in the competition, got 24\."):
        m4.load(source, history(48, 24, alone=True))
    with pytest.raises(UsageError, match=r"`known` is for your own tables, got promo; leave it out\."):
        m4.load(source, history(48, 48, alone=True, known="promo"))
    with pytest.raises(
        UsageError, match=r"`look_back` must leave every series a train window, `H1` has 200 hours; set"
    ):
        m4.load(source, history(105, 48, alone=True))
    assert m4.load(source, history(104, 48, alone=True)).sizes["train"] == 1 + 61 + 1


def test_without_files_and_network_one_line_says_what_to_do(folder):
    folder.mkdir()
    with pytest.raises(
        RunError, match=r"`Hourly-train\.csv`, `Hourly-test\.csv` are not all here and .*put those files"
    ):
        m4.load(Source(manual_dir=folder), INPUT)
