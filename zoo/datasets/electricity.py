"""Electricity of 370 customers in Portugal by the hour, the data set of the probabilistic forecasting papers."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import pandas as pd
import tensorflow_datasets as tfds

from zoo.datasets import archives, clock
from zoo.datasets.windows import Table, as_dataset, look_back
from zoo.types import Dataset, Source, Spec, UsageError

URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/00321/LD2011_2014.txt.zip"
FILES = ("LD2011_2014.txt.zip", "LD2011_2014.txt")
# Days since 2011-01-01 at which train begins, val begins, test begins and the data ends.
BEGIN, VAL, TEST, END = 1096, 1315, 1339, 1346
VAL_WINDOWS = 50_000
HOME = "https://archive.ics.uci.edu/dataset/321/electricityloaddiagrams20112014"
LICENCE = "CC BY 4.0"
CITATION = "Trindade, A. (2015). ElectricityLoadDiagrams20112014. UCI Machine Learning Repository. 10.24432/C58C86."
# Quantile risks a day ahead: Lim et al. 2021, Temporal Fusion Transformers, table 2.
PUBLISHED = {"tft_p50": 0.055, "tft_p90": 0.027, "deepar_p50": 0.075, "deepar_p90": 0.040, "seq2seq_lstm_p50": 0.067}


class ElectricityLoad(tfds.core.GeneratorBasedBuilder):
    """TFDS builder with one split of all customers, each with its hourly means; `load` is what the zoo uses."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "Hourly means of all customers, in kW."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Put {' or '.join(FILES)} into the manual folder; without, {URL} is downloaded."

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "id": tfds.features.Text(),
            "start": tfds.features.Text(),
            "values": tfds.features.Tensor(shape=(None,), dtype=np.float64),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=__doc__,
            features=tfds.features.FeaturesDict(features),
            homepage=HOME,
            license=LICENCE,
            citation=CITATION,
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        try:
            folder = Path(dl_manager.manual_dir)
        except AssertionError:  # how TFDS says that there is no such folder or nothing in it
            folder = None
        given = archives.find(folder, "electricity", FILES)
        place = given or Path(dl_manager.download(URL))
        try:
            hourly = read(place)
        except UsageError:
            if not given:
                archives.forget_download(place)
            raise
        return {"customers": self._generate_examples(hourly)}

    def _generate_examples(self, hourly: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, values in hourly.items():
            used = np.flatnonzero(values.to_numpy() > 0)  # before and after, the meter was not there
            if len(used):
                there = values.iloc[used[0] : used[-1] + 1]
                yield name, {"id": name, "start": str(there.index[0]), "values": there.to_numpy(np.float64)}


def read(file: Path) -> pd.DataFrame:
    """Hourly means of every customer in UCI's layout: semicolons, decimal commas, a row a quarter of an hour.

    Args:
      file: The text, or the zip file with it.

    Raises:
      UsageError: It is no such file.
    """
    try:
        with _opened(file) as text:
            table = pd.read_csv(text, sep=";", decimal=",", index_col=0)
        table.index = pd.to_datetime(table.index, format="%Y-%m-%d %H:%M:%S")
        if not len(table.columns):
            raise ValueError("no column beside the time")
        return table.astype(np.float64).sort_index().resample("h").mean().fillna(0.0)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split()).partition(". ")[0][:200]
        raise UsageError(f"`{file}` is not UCI's file ({reason}); fetch it again.") from None


def _opened(file: Path) -> IO[bytes]:
    if not zipfile.is_zipfile(file):
        return file.open("rb")
    with zipfile.ZipFile(file) as archive:
        return archive.open(FILES[1])  # not the only one in UCI's: macOS left notes beside it


def load(source: Source, history: Spec, *, train_windows: int = 450_000) -> Dataset:
    """Loads January to September 2014 in the splits of the Temporal Fusion Transformer's paper.

    Args:
      source: Where `LD2011_2014.txt.zip` or the text in it may lie; nothing is drawn, so the seed is not used.
      history: As `windows.history` gives it, each series alone; of known columns only the calendar.
      train_windows: Train windows, evenly apart.

    Returns:
      As `windows.as_dataset` gives them, in kW. Train are 219 days, val the next 24 and test the last 7.

    Raises:
      UsageError: The file is not UCI's, columns other than the calendar are said to be known, or no window fits.
      RunError: The file is not there and there is no network.

    Source:
      Lim et al. 2021, https://github.com/google-research/google-research/tree/master/tft (borders, trimming of zeros).
    """
    other = [name for name in history.series.known if name not in clock.COLUMNS]
    if other:
        raise UsageError(f"`known` is for your own tables, got {', '.join(other)}; leave it out.")
    if history.series.ahead > 24 * (END - TEST):
        raise UsageError(f"`horizon` must fit into the test's {24 * (END - TEST)} hours, got {history.series.ahead}.")
    archive = archives.find(archives.manual_dir(source), "electricity", FILES)
    builder = archives.prepare(ElectricityLoad, archive, url=URL, name=FILES[0])
    borders = [pd.Timestamp("2011-01-01") + pd.Timedelta(days=day) for day in (BEGIN, VAL, TEST, END)]
    tables, cuts = [], []
    for row in sorted(tfds.as_numpy(builder.as_dataset(split="customers")), key=lambda row: row["id"]):
        times = pd.date_range(row["start"].decode(), periods=len(row["values"]), freq="h")
        begin, val, test, end = np.searchsorted(times, borders).tolist()
        if val - begin < look_back(history) + history.series.ahead:
            continue  # there was hardly a meter before the val days
        times = clock.texts(times[begin:end])
        known = clock.calendar(times) if history.series.known else None
        tables.append(
            Table(
                times=times,
                names=(row["id"].decode(),),
                values=row["values"][begin:end, None],
                known=history.series.known,
                known_values=known,
                frequency="h",
            )
        )
        cuts.append((val - begin, test - begin, end - begin))
    if not tables:
        raise UsageError(f"`look_back` leaves no customer a train window, got {look_back(history)}; set less.")
    return as_dataset(
        tables,
        cuts,
        history,
        standardise=False,
        most={"train": train_windows, "val": VAL_WINDOWS},
        name="UCI electricity load, hourly",
        version=str(builder.version),
        origin="real",
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
        published=PUBLISHED,
    )
