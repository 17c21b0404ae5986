"""414 hourly series of all kinds, two days ahead by one network.

Data      M4 competition, hourly; 700 or 960 hours each, the 48 after them to be told
Licence   none stated by the organisers, open for research
Model     one LSTM for all series over days of logarithms, scaled window by window, beside a linear part
Result    not measured
Command   zoo run m4_hourly final=True
"""

from typing import Literal

import zoo


def recipe(
    *,
    look_back: int = 168,
    horizon: int = 48,
    known: str = "",
    gaps: Literal["refuse", "fill"] = "refuse",
    final: bool = False,
    units: int = 256,
    segment: int = 24,
    dropout: float = 0.2,
    epochs: int = 2,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
) -> zoo.Recipe:
    """Forecasts each series by itself, all with the same weights; values have to be positive.

    Args:
      look_back: Steps of the past that are read.
      horizon: Steps to be told.
      known: Columns of your own table whose future is known, with commas between.
      gaps: Refuse missing steps and values of your own table, or fill them with the value before.
      final: Train on the last hours before the test too, as the competition's entries did; validation then says
        nothing, for it has been seen.
      units: Memory cells of the LSTM.
      segment: Steps that it reads or tells at once.
      dropout: Before each segment told.
      epochs: Passes over the train windows.
      batch_size: Windows per step.
      learning_rate: Peak learning rate.
    """

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
            logarithm=True,
        )

    history = zoo.datasets.windows.history(look_back, horizon, alone=True, known=known, positive=True, gaps=gaps)
    return zoo.Recipe(
        input=history,
        dataset=lambda source: zoo.datasets.m4.load(source, history, final=final),
        sample=lambda source: zoo.datasets.samples.load("carbon_dioxide", history, "forecasting"),
        network=network,
        task=zoo.tasks.Forecasting(relative=True, headline="smape"),
        training=zoo.Training(
            epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, average=0.98, keep="last"
        ),
        sample_settings={"epochs": 20},
    )
