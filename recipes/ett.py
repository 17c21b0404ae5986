"""Load and oil temperature of power transformers, forecast for days.

Data      ETT-small (h1, h2, m1, m2), 12 / 4 / 4 months of two transformers
Licence   CC BY-ND 4.0
Model     LSTM over segments, one for all series, all segments told in one step (SegRNN, Lin et al. 2023)
Result    test_mse 0.3720 ± 0.0026 (3 seeds), baseline 0.3832, ETTh1, 96 hours ahead; with horizon=192, 336 and 720
          0.4160, 0.4494 and 0.4563, baseline 0.4341, 0.4756 and 0.4697; with look_back=720 epochs=4, picked on
          validation, 0.3603, 0.3952, 0.4159 and 0.4471, baseline 0.3748, 0.4121, 0.4435 and 0.4559; 3 to 7 minutes on
          one CPU core
Command   zoo run ett
"""

from typing import Literal

import zoo


def recipe(
    *,
    table: Literal["h1", "h2", "m1", "m2"] = "h1",
    look_back: int = 96,
    horizon: int = 96,
    known: str = "",
    gaps: Literal["refuse", "fill"] = "refuse",
    units: int = 256,
    segment: int = 48,
    dropout: float = 0.5,
    scaling: Literal["last", "reversible"] = "last",
    epochs: int = 6,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
) -> zoo.Recipe:
    """Forecasts every column of a table from its own past.

    Args:
      table: Which of the four files.
      look_back: Steps of the past that are read.
      horizon: Steps to be told.
      known: Columns of your own table whose future is known, with commas between.
      gaps: Refuse missing steps and values of your own table, or fill them with the value before.
      units: Memory cells of the LSTM.
      segment: Steps that it reads or tells at once.
      dropout: Before each segment told.
      scaling: Take the last value of a window away, or scale it by its own mean and deviation.
      epochs: Passes over the train windows.
      batch_size: Windows per step, each with all its columns.
      learning_rate: Peak learning rate.
    """

    def network(features, target):
        return zoo.architectures.segment_forecaster(
            features, target, units=units, segment=segment, dropout=dropout, scaling=scaling
        )

    history = zoo.datasets.windows.history(look_back, horizon, known=known, gaps=gaps)
    return zoo.Recipe(
        input=history,
        dataset=lambda source: zoo.datasets.ett.load(source, history, table),
        sample=lambda source: zoo.datasets.samples.load("carbon_dioxide", history, "forecasting"),
        network=network,
        task=zoo.tasks.Forecasting(),
        training=zoo.Training(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate),
        sample_settings={"epochs": 20},
    )
