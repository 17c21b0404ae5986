"""What a data set is, in plain values that a person or a program can read."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from zoo.datasets import clock
from zoo.datasets.windows import look_back
from zoo.types import Dataset

TIME = re.compile(r"(?:\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d\S*)?|-?\d+)$", re.ASCII)  # at the end of a window's id


def describe(dataset: Dataset) -> dict[str, Any]:
    """Names, licence, fingerprint and splits: sizes, classes and lengths, or of series the times.

    Args:
      dataset: Read to its end.
    """
    described: dict[str, Any] = {
        name: getattr(dataset, name)
        for name in ("name", "version", "origin", "licence", "citation", "home", "fingerprint")
    }
    described |= {"input": str(dataset.input), "target": str(dataset.target)}
    return described | (_examples(dataset) if dataset.target.series is None else _windows(dataset))


def _examples(dataset: Dataset) -> dict[str, Any]:
    splits = {}
    for split, examples in dataset.splits.items():
        rows = [
            (_length(example["input"], dataset.input.kind), example["target"])
            for example in examples.as_numpy_iterator()
        ]
        steps = np.quantile([row[0] for row in rows], [0, 0.5, 1]).astype(int).tolist()
        about: dict[str, Any] = {"examples": len(rows), "shortest": steps[0], "median": steps[1], "longest": steps[2]}
        if dataset.target.classes and split != "unlabelled":
            counts = np.bincount(np.ravel([row[1] for row in rows]), minlength=len(dataset.target.classes)).tolist()
            about["classes"] = dict(zip(dataset.target.classes, counts, strict=True))
        splits[split] = about
    return {"splits": splits}


def _length(value: np.ndarray | bytes, kind: str) -> int:
    """Steps of a raw example, words of a text, bytes of an image."""
    return len(value.split()) if kind == "text" else len(value)


def _windows(dataset: Dataset) -> dict[str, Any]:
    """Of series: their names, frequency and season, and for each split its windows and the times they tell."""
    series, names, splits = dataset.target.series, {}, {}
    for split, examples in dataset.splits.items():
        ids = [id.decode() for id in examples.map(lambda example: example["id"]).as_numpy_iterator()]
        found = [TIME.search(id) for id in ids]
        names |= dict.fromkeys(id[: time.start()].strip() for id, time in zip(ids, found, strict=True))
        times = sorted({time[0] for time in found}, key=str if series.frequency else int)
        step = 1 if series.frequency else int(min(np.diff([int(time) for time in times]), default=1))
        last = (times[-1], *clock.onwards(times[-1], series.frequency, series.ahead - 1, step))[-1]
        splits[split] = {"windows": len(ids), "from": times[0], "to": last}
    names = list(series.names) if "" in names else list(names)
    return {
        "series": len(names),
        "names": names,
        "known": list(series.known),
        "frequency": series.frequency or "counted steps",
        "season": series.season,
        "look_back": look_back(dataset.input),
        "horizon": series.ahead,
        "splits": splits,
    }
