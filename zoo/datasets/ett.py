"""Electricity transformer temperature: load and oil temperature of two transformers over two years (ETT-small)."""

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

URL = "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/main/ETT-small"
CHECKSUMS = {"h1": "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066"}  # of the others none is known
ROWS = {"h1": 17_420, "h2": 17_420, "m1": 69_680, "m2": 69_680}
COLUMNS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
FREQUENCIES = {"h": "h", "m": "15min"}
MONTH_HOURS = 30 * 24  # as the protocol counts months
HOME = "https://github.com/zhouhaoyi/ETDataset"
LICENCE = "CC BY-ND 4.0"
CITATION = (
    "Zhou, H., Zhang, S., Peng, J., Zhang, S., Li, J., Xiong, H. and Zhang, W. (2021). Informer: Beyond Efficient "
    "Transformer for Long Sequence Time-Series Forecasting. AAAI 2021. https://arxiv.org/abs/2012.07436"
)
HORIZONS = (96, 192, 336, 720)
# Mean squared error at those horizons: SegRNN (look-back 96 and 720; Lin et al. 2023, arXiv 2308.11200), NLinear
# (336) and the last value repeated (Zeng et al. 2023, arXiv 2205.13504).
PUBLISHED = {
    "h1": {
        "segrnn_96": (0.368, 0.408, 0.444, 0.446),
        "segrnn_720": (0.351, 0.392, 0.423, 0.466),
        "nlinear_336": (0.374, 0.408, 0.429, 0.440),
        "last_value": (1.295, 1.325, 1.323, 1.339),
    },
    "h2": {
        "segrnn_96": (0.278, 0.359, 0.421, 0.432),
        "segrnn_720": (0.276, 0.341, 0.364, 0.403),
        "nlinear_336": (0.277, 0.344, 0.357, 0.394),
        "last_value": (0.432, 0.534, 0.591, 0.588),
    },
    "m1": {
        "segrnn_96": (0.330, 0.369, 0.399, 0.454),
        "segrnn_720": (0.293, 0.328, 0.357, 0.410),
        "nlinear_336": (0.306, 0.349, 0.375, 0.433),
        "last_value": (1.214, 1.261, 1.283, 1.319),
    },
}


class ElectricityTransformer(tfds.core.GeneratorBasedBuilder):
    """TFDS builder with a config a table and one split of all rows in time; `load` is what the zoo uses."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "The four tables of ETT-small, all rows."}
    BUILDER_CONFIGS: ClassVar[list[tfds.core.BuilderConfig]] = [
        tfds.core.BuilderConfig(name=table, description=f"ETT{table}.csv") for table in ROWS
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"Put ETTh1.csv, ... from {URL} into the manual folder; without, it is downloaded."

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "date": tfds.features.Text(),
            "values": tfds.features.Tensor(shape=(len(COLUMNS),), dtype=np.float64),
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
        table = self.builder_config.name
        name = f"ETT{table}.csv"
        try:
            folder = Path(dl_manager.manual_dir)
        except AssertionError:  # how TFDS says that there is no such folder or nothing in it
            folder = None
        given = archives.find(folder, "ett", (name,))
        place = given or Path(dl_manager.download(f"{URL}/{name}"))
        try:
            if table in CHECKSUMS:
                archives.verify_file(place, CHECKSUMS[table])
            rows = _rows(place, ROWS[table])
        except UsageError:
            if not given:
                archives.forget_download(place)
            raise
        return {"rows": self._generate_examples(rows)}

    def _generate_examples(self, rows: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from enumerate(rows)


def _rows(file: Path, expected: int) -> list[dict[str, Any]]:
    with file.open(newline="") as lines:
        reader = csv.reader(lines)
        header = next(reader, [])
        if header != ["date", *COLUMNS]:
            raise UsageError(f"`{file}` is not the publisher's file: its columns are {header}; fetch it again.")
        try:
            rows = [{"date": row[0], "values": np.array(row[1:], np.float64)} for row in reader if row]
        except ValueError:
            raise UsageError(
                f"`{file}` is not the publisher's file: line {reader.line_num} has a cell that is no number; "
                "fetch it again."
            ) from None
    if len(rows) != expected:
        raise UsageError(
            f"`{file}` is not the publisher's file: it has {len(rows)} rows of {expected}; fetch it again."
        )
    return rows


def load(source: Source, history: Spec, table: str = "h1") -> Dataset:
    """Loads a table in the splits of the Informer paper: 12, 4 and 4 months of 30 days; the rows behind are not used.

    Args:
      source: Where `ETT<table>.csv` may lie; nothing is drawn, so the seed is not used.
      history: As `windows.history` gives it.
      table: "h1" or "h2" by the hour, "m1" or "m2" by the quarter.

    Returns:
      As `windows.as_dataset` gives them, targets standardised by the train rows, every test window kept.

    Raises:
      UsageError: There is no such table, the file is not the publisher's, columns are said to be known, or the horizon
        or the look-back is longer than a split.
      RunError: The file is not there and there is no network.

    Source:
      Zhou et al. 2021, section 5.1, https://github.com/zhouhaoyi/Informer2020 (the borders of the splits).
    """
    if table not in ROWS:
        raise UsageError(f"`table` must be one of {', '.join(ROWS)}, got {table!r}.")
    if history.series.known:
        raise UsageError(f"`known` is for your own tables, got {', '.join(history.series.known)}; leave it out.")
    month = MONTH_HOURS * (4 if table.startswith("m") else 1)
    if look_back(history) + history.series.ahead > 12 * month or history.series.ahead > 4 * month:
        raise UsageError(
            f"`look_back` + `horizon` must fit into {12 * month} steps and `horizon` into {4 * month}, got "
            f"{look_back(history)} and {history.series.ahead}."
        )
    name = f"ETT{table}.csv"
    archive = archives.find(archives.manual_dir(source), "ett", (name,))
    builder = archives.prepare(ElectricityTransformer, archive, url=f"{URL}/{name}", name=name, config=table)
    rows = sorted(tfds.as_numpy(builder.as_dataset(split="rows")), key=lambda row: row["date"])[: 20 * month]
    ahead = history.series.ahead
    published = {
        f"{model}_mse": errors[HORIZONS.index(ahead)]
        for model, errors in PUBLISHED.get(table, {}).items()
        if ahead in HORIZONS
    }
    return as_dataset(
        [
            Table(
                times=tuple(row["date"].decode() for row in rows),
                names=COLUMNS,
                values=np.stack([row["values"] for row in rows]),
                frequency=FREQUENCIES[table[0]],
            )
        ],
        [(12 * month, 16 * month, 20 * month)],
        history,
        standardise=True,
        name=f"Electricity transformer temperature, ETT{table}",
        version=str(builder.version),
        origin="real",
        citation=CITATION,
        licence=LICENCE,
        home=HOME,
        published=published,
    )
