"""Rolling-origin evaluation: what a model would have said at several times in the past of the user's table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from zoo.datasets import clock
from zoo.datasets.series_files import Found
from zoo.datasets.windows import seasonal_error
from zoo.forecast_files import Forecaster, stem, written
from zoo.tasks.forecast_pictures import ROOM
from zoo.tasks.forecasting import symmetric
from zoo.types import BadData

MODEL, LAST, SEASONAL = "forecast", "last_value", "seasonal_naive"
KINDS = (MODEL, LAST, SEASONAL)


def backtest(model: Forecaster, path: Path, cutoffs: int, folder: Path) -> list[dict[str, Any]]:
    """Forecasts from several cut-offs, each as far apart as the model tells ahead, the last one so far from the end.

    The model is not trained again. A cut-off before the end of what it was trained on is marked `seen`.

    Args:
      model: The export.
      path: The user's table, with at least look-back + cutoffs * ahead steps.
      cutoffs: How many.
      folder: Where `<name>.backtest.csv`, all that was told, and `<name>.backtest.png`, errors by step ahead, go.

    Returns:
      For each cut-off `{"cutoff", "seen", "mase", "smape", "last_value_mase", "seasonal_naive_mase"}`, then the mean of
      those that were not seen (of all where all were) as cut-off "mean". Errors are divided by that of the seasonal
      naive forecast before the first cut-off; None where that has none.

    Raises:
      BadData: With every fault of the file, or it does not fit the model or the number of cut-offs.

    Source:
      Tashman 2000, Out-of-sample tests of forecasting accuracy (rolling origins).
    """
    found, needed = model.read(path), model.look_back + cutoffs * model.series.ahead
    short = [each for each in found if len(each.table.values) < needed]
    if short:
        of = f"series `{short[0].table.names[0]}` " if len(found) > 1 else ""
        have = f"{of}has {len(short[0].table.values)} steps, and {cutoffs} cut-offs need {needed}"
        raise BadData(path, [f"{path}: {have}; ask for less with --backtest, or add rows"])
    rows = pd.concat([_told(model, each, cutoffs) for each in found], ignore_index=True)
    rows.drop(columns=["number", "scale"]).to_csv(folder / f"{stem(path)}.backtest.csv", index=False)
    errors = rows[["number", "step", "cutoff"]].copy()
    for kind in KINDS:
        errors[kind] = (rows[kind] - rows["truth"]).abs() / rows["scale"]
    errors["smape"] = symmetric(rows["truth"].to_numpy(), rows[MODEL].to_numpy())
    _picture(path.name, errors, cutoffs).savefig(folder / f"{stem(path)}.backtest.png", dpi=110)
    return _summary(errors, model.series.until)


def _told(model: Forecaster, found: Found, cutoffs: int) -> pd.DataFrame:
    """A row for each cut-off, series and step ahead: the truth, what each kind of forecast says, and the scale."""
    table, ahead, season = found.table, model.series.ahead, model.series.season
    origins = [len(table.values) - ahead * back for back in range(cutoffs, 0, -1)]
    scale = seasonal_error(table.values[: origins[0]], season)
    scale = np.where(scale > 0, scale, np.nan)
    parts = []
    for number, origin in enumerate(origins):
        told = {MODEL: written(model.tell(found, origin)["forecast"])}
        told |= _simple(table.values[:origin], ahead, season)
        for column, name in enumerate(table.names):
            part = {"cutoff": table.times[origin - 1], "series": name, "step": np.arange(1, ahead + 1)}
            part |= {"time": table.times[origin : origin + ahead], "truth": table.values[origin:, column][:ahead]}
            part |= {kind: values[:, column] for kind, values in told.items()}
            parts.append(pd.DataFrame({**part, "number": number, "scale": scale[column]}))
    return pd.concat(parts)


def _simple(past: np.ndarray, ahead: int, season: int) -> dict[str, np.ndarray]:
    """Forecasts float64[ahead, series] that need no training."""
    season = min(season, len(past))
    return {
        LAST: np.repeat(past[-1:], ahead, axis=0),
        SEASONAL: past[len(past) - season + np.arange(ahead) % season],
    }


def _summary(errors: pd.DataFrame, until: str) -> list[dict[str, Any]]:
    found = []
    for _, rows in errors.groupby("number"):
        cutoff = rows["cutoff"].iloc[0]
        means = {"mase": MODEL, "smape": "smape", "last_value_mase": LAST, "seasonal_naive_mase": SEASONAL}
        means = {name: _rounded(rows[column].mean()) for name, column in means.items()}
        found.append({"cutoff": cutoff, "seen": clock.before(cutoff, until), **means})
    counted = [row for row in found if not row["seen"]] or found
    mean = {name: _rounded(pd.Series([row[name] for row in counted], dtype=float).mean()) for name in means}
    return [*found, {"cutoff": "mean", "seen": all(row["seen"] for row in found), **mean}]


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _picture(name: str, errors: pd.DataFrame, cutoffs: int) -> Figure:
    """Absolute error by step ahead, over that of the seasonal naive forecast, mean over cut-offs and series."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    by_step = errors.groupby("step")[list(KINDS)].mean()
    for kind in KINDS:
        axes.plot(by_step.index, by_step[kind], marker="o" if len(by_step) == 1 else "", label=kind.replace("_", " "))
    axes.set(xlabel="steps ahead", ylabel="absolute error\nover that of the seasonal naive forecast")
    axes.set_ylim(0, min(axes.get_ylim()[1], ROOM * np.nan_to_num(by_step[MODEL]).max()) or None)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title(f"{name}: {cutoffs} cut-off{'s' * (cutoffs > 1)}")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    return figure
