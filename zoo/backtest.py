"""Rolling-origin evaluation: what a model would have said at several times in the past of the user's table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from zoo.datasets.windows import Table
from zoo.forecast_files import Forecaster
from zoo.tasks.forecasting import scaled_error, symmetric
from zoo.types import BadData

MODEL, LAST, SEASONAL = "forecast", "last value", "seasonal naive"


def backtest(model: Forecaster, path: Path, cutoffs: int, folder: Path) -> list[dict[str, Any]]:
    """Forecasts from several cut-offs, each as far apart as the model tells ahead, the last one so far from the end.

    The model is not trained again. A cut-off before the end of what it was trained on is marked `seen`.

    Args:
      model: The export.
      path: The user's table, with at least look-back + cutoffs * ahead steps.
      cutoffs: How many.
      folder: Where `<name>.backtest.csv` and `<name>.backtest.png`, errors by step ahead, are written.

    Returns:
      For each cut-off `{"cutoff", "seen", "mase", "smape", "last_value_mase", "seasonal_naive_mase"}`, then the mean of
      those that were not seen (of all where all were) as cut-off "mean". Errors are divided by that of the seasonal
      naive forecast before the first cut-off.

    Raises:
      BadData: With every fault of the file, or it does not fit the model or the number of cut-offs.

    Source:
      Tashman 2000, Out-of-sample tests of forecasting accuracy (rolling origins).
    """
    ahead, season = model.series.ahead, model.series.season
    truths, told, before, rows = [], [], [], []
    for table, behind in zip(*model.read(path), strict=True):
        needed = model.look_back + cutoffs * ahead
        if len(table.values) < needed:
            raise BadData(
                path, [f"{path}: has {len(table.values)} steps, and {cutoffs} cut-offs need {needed}; ask for less"]
            )
        origins = [len(table.values) - ahead * back for back in range(cutoffs, 0, -1)]
        past = table.values[: origins[0]]
        error = np.abs(past[season:] - past[:-season]).mean(axis=0)
        for number, origin in enumerate(origins):
            said = model.tell(table, behind, origin, path)["forecast"].astype(np.float64)
            forecasts = {MODEL: said, **_simple(table.values[:origin], ahead, season)}
            truth = table.values[origin : origin + ahead]
            truths.append((number, truth, error))
            told.append(forecasts)
            before.append(table)
            frame = pd.DataFrame({"cutoff": table.times[origin - 1], "time": table.times[origin : origin + ahead]})
            for column, name in enumerate(table.names):
                values = {kind: given[:, column] for kind, given in forecasts.items()}
                rows.append(frame.assign(series=name, truth=truth[:, column], **values))
    stem = path.name.split(".")[0]
    pd.concat(rows).to_csv(folder / f"{stem}.backtest.csv", index=False, float_format="%.6g")
    _picture(path.name, truths, told, model).savefig(folder / f"{stem}.backtest.png", dpi=110)
    return _summary(model, truths, told, before, cutoffs)


def _simple(past: np.ndarray, ahead: int, season: int) -> dict[str, np.ndarray]:
    """Forecasts float64[ahead, series] that need no training."""
    season = min(season, len(past))
    return {
        LAST: np.repeat(past[-1:], ahead, axis=0),
        SEASONAL: past[len(past) - season + np.arange(ahead) % season],
    }


def _summary(model: Forecaster, truths: list, told: list, tables: list[Table], cutoffs: int) -> list[dict[str, Any]]:
    found = []
    for number in range(cutoffs):
        here = [index for index, (at, _, _) in enumerate(truths) if at == number]
        origin = len(tables[here[0]].values) - model.series.ahead * (cutoffs - number)
        cutoff = tables[here[0]].times[origin - 1]
        row: dict[str, Any] = {"cutoff": cutoff, "seen": _before(cutoff, model.series.until)}
        for kind, name in ((MODEL, ""), (LAST, "last_value_"), (SEASONAL, "seasonal_naive_")):
            errors = [scaled_error(truths[i][1][None], told[i][kind][None], truths[i][2][None]) for i in here]
            row[f"{name}mase"] = round(float(np.mean(errors)), 4)
        smape = [symmetric(truths[i][1], told[i][MODEL]).mean() for i in here]
        found.append({**row, "smape": round(float(np.mean(smape)), 4)})
    counted = [row for row in found if not row["seen"]] or found
    mean = {
        name: round(float(np.mean([row[name] for row in counted])), 4)
        for name in found[0]
        if name not in ("cutoff", "seen")
    }
    return [*found, {"cutoff": "mean", "seen": all(row["seen"] for row in found), **mean}]


def _before(cutoff: str, until: str) -> bool:
    """Whether a cut-off lies before the end of what was trained on; counts compare as numbers, dates as text."""
    return int(cutoff) < int(until) if cutoff.lstrip("-").isdigit() and until.isdigit() else cutoff < until


def _picture(name: str, truths: list, told: list, model: Forecaster) -> Figure:
    """Absolute error by step ahead, over that of the seasonal naive forecast, mean over cut-offs and series."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for kind in (MODEL, LAST, SEASONAL):
        scaled = [
            (np.abs(truth - forecasts[kind])[:, error > 0] / error[error > 0]).mean(axis=1)
            for (_, truth, error), forecasts in zip(truths, told, strict=True)
            if (error > 0).any()
        ]
        axes.plot(np.arange(1, model.series.ahead + 1), np.mean(scaled, axis=0), label=kind)
    axes.set(xlabel="steps ahead", ylabel="scaled absolute error", ylim=(0, None))
    axes.set_title(f"{name}: {len({at for at, _, _ in truths})} cut-offs")
    axes.legend()
    return figure
