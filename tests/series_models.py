"""Exports of untrained forecasters; what they tell does not matter, only that it is the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from zoo import catalog, runs
from zoo.chain import Chain
from zoo.export import save
from zoo.forecast_files import Forecaster
from zoo.serve import Model

BACK, AHEAD = 8, 4
HOURS = 90
SMALL = {"look_back": BACK, "horizon": AHEAD, "units": 4, "segment": 4}


@dataclass(frozen=True)
class Exported:
    """The chain in this process, and its export."""

    chain: Chain
    folder: Path

    @cached_property
    def model(self) -> Model:
        return Model.load(str(self.folder))

    @cached_property
    def forecaster(self) -> Forecaster:
        return self.model.forecaster()

    def tell(self, window: np.ndarray) -> dict[str, np.ndarray]:
        """What the chain itself answers to a window float[step, column], known columns behind the series."""
        told = self.chain.function()(window[None].astype(np.float32), np.array([len(window)], np.int32))
        return {name: value.numpy()[0] for name, value in told.items()}


def sales(hours: int = HOURS, seed: int = 0) -> pd.DataFrame:
    """Hourly sales in two places, of which one is a thousand times the other, and a promotion."""
    draws = np.random.default_rng(seed)
    wave = 2 + np.sin(np.arange(hours) * np.pi / 12)
    return pd.DataFrame(
        {
            "date": pd.date_range("2024-01-01", periods=hours, freq="h"),
            "north": (100 * wave + draws.normal(0, 5, hours)).round(2),
            "south": (1e5 * wave + draws.normal(0, 5e3, hours)).round(1),
            "promo": draws.integers(0, 2, hours),
        }
    )


def ahead(frame: pd.DataFrame, steps: int = AHEAD) -> pd.DataFrame:
    """A table with rows behind it of which only the promotion is known."""
    times = pd.date_range(frame["date"].iloc[-1], periods=steps + 1, freq="h")[1:]
    return pd.concat([frame, pd.DataFrame({"date": times, "promo": [1, 0] * (steps // 2)})], ignore_index=True)


def write(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(path, index=False)
    return path


def long(frame: pd.DataFrame) -> pd.DataFrame:
    melted = frame.melt(["date", *({"promo"} & set(frame))], ["north", "south"], "series", "value")
    return melted.rename(columns={"date": "time"})


def exported(folder: Path, recipe: str, frame: pd.DataFrame, **settings) -> Exported:
    keras.utils.set_random_seed(2)
    built = catalog.load(catalog.find(recipe), {**SMALL, **settings})
    dataset = runs.load_data(built, data=write(folder / "trained.csv", frame))
    chain = Chain(built, dataset.input, dataset.target)
    save(chain, folder / "export")
    return Exported(chain, folder / "export")
