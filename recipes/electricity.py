"""Hourly electricity of 370 customers, a day ahead, as quantiles.

Data      UCI ElectricityLoadDiagrams20112014, January to September 2014, hourly means
Licence   CC BY 4.0
Model     one LSTM for all customers over days, three quantiles that cannot cross, the calendar known ahead
Result    not measured
Command   zoo run electricity
"""

from typing import Literal

import zoo


def recipe(
    *,
    look_back: int = 168,
    horizon: int = 24,
    known: str = "",
    calendar: bool = True,
    gaps: Literal["refuse", "fill"] = "refuse",
    interval: float = 0.8,
    train_windows: int = 450_000,
    units: int = 256,
    segment: int = 24,
    dropout: float = 0.1,
    epochs: int = 6,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
) -> zoo.Recipe:
    """Forecasts each series by itself, all with the same weights: the median and an interval.

    Args:
      look_back: Steps of the past that are read.
      horizon: Steps to be told.
      known: Columns of your own table whose future is known, with commas between.
      calendar: Whether the time of the day, the week and the year are read too; needs dates.
      gaps: Refuse missing steps and values of your own table, or fill them with the value before.
      interval: Share of the truth that the interval is to hold.
      train_windows: Windows of an epoch of the public data, evenly apart.
      units: Memory cells of the LSTM.
      segment: Steps that it reads or tells at once.
      dropout: Before each segment told.
      epochs: Passes over the train windows.
      batch_size: Windows per step.
      learning_rate: Peak learning rate.
    """
    if not 0.001 <= interval <= 0.999:
        raise zoo.UsageError(f"`interval` must be a share from 0.001 to 0.999, got {interval}.")
    quantiles = (round((1 - interval) / 2, 4), 0.5, round((1 + interval) / 2, 4))

    def network(features, target):
        return zoo.architectures.segment_forecaster(
            features,
            target,
            units=units,
            segment=segment,
            dropout=dropout,
            scaling="reversible",
            seasonal=True,
            linear=True,
            quantiles=quantiles,
        )

    history = zoo.datasets.windows.history(look_back, horizon, alone=True, known=known, calendar=calendar, gaps=gaps)
    return zoo.Recipe(
        input=history,
        dataset=lambda source: zoo.datasets.electricity.load(source, history, train_windows=train_windows),
        sample=lambda source: zoo.datasets.samples.load("carbon_dioxide", history, "forecasting"),
        network=network,
        task=zoo.tasks.Forecasting(quantiles=quantiles, relative=True, headline="mae"),
        training=zoo.Training(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, average=0.98),
        sample_settings={"epochs": 20},
    )
