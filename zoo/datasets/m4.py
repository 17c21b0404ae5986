"""The M4 competition's hourly series: 414 of them, the next 48 hours of each to be told."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from zoo.datasets import archives
from zoo.datasets.windows import Table, as_dataset, look_back
from zoo.types import Dataset, Source, Spec, UsageError

URL = "https://raw.githubusercontent.com/Mcompetitions/M4-methods/master/Dataset"
FILES = ("Hourly-train.csv", "Hourly-test.csv")
FOLDERS = {"Hourly-train.csv": "Train", "Hourly-test.csv": "Test"}
AHEAD, SEASON = 48, 24
HOME = "https://github.com/Mcompetitions/M4-methods"
LICENCE = "none stated by the organisers, open for research"
CITATION = (
    "Makridakis, S., Spiliotis, E. and Assimakopoulos, V. (2020). The M4 Competition: 100,000 time series and 61 "
    "forecasting methods. International Journal of Forecasting 36(1). https://doi.org/10.1016/j.ijforecast.2019.04.014"
)
# By the organisers' "Evaluation and Ranks.xlsx": the winner (Smyl, an ensemble), and the seasonal naive forecast.
PUBLISHED = {"es_rnn_smape": 0.09328, "es_rnn_mase": 0.893, "es_rnn_owa": 0.440, "seasonal_naive_smape": 0.13912}


class M4Hourly(tfds.core.GeneratorBasedBuilder):
    """TFDS builder with one split of all series, each with what was given and what was to be told."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "The organisers' files, as they are."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Put {' and '.join(FILES)} from {URL} (folders Train and Test) into the manual folder; without, they are "
        "downloaded."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        numbers = tfds.features.Tensor(shape=(None,), dtype=np.float64)
        features = {"id": tfds.features.Text(), "train": numbers, "test": numbers}
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
        given = archives.find_all(folder, "m4", FILES)
        places = given or [Path(dl_manager.download(f"{URL}/{FOLDERS[name]}/{name}")) for name in FILES]
        try:
            train, test = (read(place) for place in places)
            _check(places[1], train, test)
        except UsageError:
            for place in () if given else places:
                archives.forget_download(place)
            raise
        return {"series": self._generate_examples(train, test)}

    def _generate_examples(
        self, train: dict[str, np.ndarray], test: dict[str, np.ndarray]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, (name, values) in enumerate(train.items()):
            yield number, {"id": name, "train": values, "test": test[name]}


def read(file: Path) -> dict[str, np.ndarray]:
    """Values float64[step] of each series, by its name, of a file in the organisers' layout.

    A header, then a line a series: its name, its values, and nothing in the cells behind its end.

    Raises:
      UsageError: A cell is no number; with its line.
    """
    found = {}
    with file.open(newline="") as lines:
        reader = csv.reader(lines)
        next(reader, None)
        for row in reader:
            if not any(row):
                continue
            name, *cells = row
            while cells and cells[-1] in ("", "NA"):
                cells.pop()
            try:
                found[name] = np.array(cells, np.float64)
            except ValueError:
                raise UsageError(
                    f"`{file}` is not the organisers' file: line {reader.line_num}, series `{name}`, has a cell that "
                    "is no number; fetch it again."
                ) from None
    return found


def _check(file: Path, train: dict[str, np.ndarray], test: dict[str, np.ndarray]) -> None:
    if not train or train.keys() != test.keys():
        raise UsageError(
            f"`{file}` must have the series of the train file, and it has {len(test)}, not the {len(train)} there; "
            "fetch both again."
        )
    short = [name for name, values in test.items() if len(values) != AHEAD]
    if short:
        raise UsageError(f"`{file}` must have {AHEAD} values of each series, `{short[0]}` has {len(test[short[0]])}.")


def load(source: Source, history: Spec, *, final: bool = False) -> Dataset:
    """Loads all series: the hours that were to be told are test, the 48 before them val.

    Args:
      source: Where the two files may lie; nothing is drawn, so the seed is not used.
      history: As `windows.history` gives it, each series alone, 48 ahead.
      final: Whether train windows reach into val.

    Returns:
      As `windows.as_dataset` gives them, in own units; steps are counted, for the files have no times.

    Raises:
      UsageError: A file is not the organisers', the horizon is not 48, columns are said to be known, or the look-back
        leaves some series without a train window.
      RunError: The files are not there and there is no network.

    Source:
      Makridakis et al. 2020. The validation is the zoo's own; the competition had none.
    """
    if history.series.ahead != AHEAD:
        raise UsageError(f"`horizon` must be {AHEAD}, as in the competition, got {history.series.ahead}.")
    if history.series.known:
        raise UsageError(f"`known` is for your own tables, got {', '.join(history.series.known)}; leave it out.")
    found = archives.find_all(archives.manual_dir(source), "m4", FILES)
    builder = archives.prepare(M4Hourly, found and found[0], url=f"{URL}/Train", name=FILES)
    rows = sorted(tfds.as_numpy(builder.as_dataset(split="series")), key=lambda row: (len(row["id"]), row["id"]))
    tables, cuts = [], []
    for row in rows:
        given, values = len(row["train"]), np.concatenate([row["train"], row["test"]])
        if given < look_back(history) + 2 * AHEAD:
            raise UsageError(
                f"`look_back` must leave every series a train window, `{row['id'].decode()}` has {given} hours; "
                "set less."
            )
        times = tuple(str(step + 1) for step in range(len(values)))
        name = row["id"].decode()
        tables.append(Table(times=times, names=(name,), values=values[:, None], season=SEASON))
        cuts.append((given - AHEAD, given, len(values)))
    return as_dataset(
        tables,
        cuts,
        history,
        standardise=False,
        final=final,
        name="M4 competition, hourly",
        version=str(builder.version),
        origin="real",
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
        published=PUBLISHED,
    )
