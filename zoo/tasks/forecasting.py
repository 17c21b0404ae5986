"""The next steps of one or several series."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from zoo.tasks import forecast_pictures
from zoo.tasks.linear_forecast import linear_forecast
from zoo.types import Answers, Series, Spec


@dataclass(frozen=True, kw_only=True)
class Forecasting:
    """Forecasting of all steps ahead at once, by absolute error or by quantiles.

    Args:
      quantiles: What the network tells of the distribution, rising, 0.5 among them; empty where it tells one value.
      relative: Divide a window's error in the loss by the mean size of its truth and forecast, where series are not
        standardised.
      headline: The metric that has to beat the baseline's: "mse", "mae" or "smape".
    """

    quantiles: tuple[float, ...] = ()
    relative: bool = False
    headline: Literal["mse", "mae", "smape"] = "mse"

    name: ClassVar[str] = "forecasting"
    watch: ClassVar[str] = "val_loss"
    watch_mode: ClassVar[Literal["max", "min"]] = "min"
    forced: ClassVar[bool] = False

    def loss(self) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        """Absolute error, or the mean of the quantiles' losses twice, on (float32[batch, ahead, series], as told).

        Source:
          Koenker and Bassett 1978, Regression Quantiles; twice, so that the median's is the absolute error.
        """

        def forecast_loss(target: tf.Tensor, told: tf.Tensor) -> tf.Tensor:
            error = quantile_error(target, told, self.quantiles) if self.quantiles else tf.abs(target - told)
            error = tf.reduce_mean(error, tf.range(1, tf.rank(error)))
            if not self.relative:
                return error
            middle = tf.stop_gradient(self.middle(told))
            return tf.math.divide_no_nan(error, tf.reduce_mean(tf.abs(target) + tf.abs(middle), [1, 2]) / 2)

        return forecast_loss

    def middle(self, told: tf.Tensor) -> tf.Tensor:
        """float32[batch, ahead, series]: the value told, or the median."""
        return told[..., self.quantiles.index(0.5)] if self.quantiles else told

    def metrics(self) -> list[keras.metrics.Metric]:
        """Squared and absolute error of the value told, in the target's unit."""

        def mse(target: tf.Tensor, told: tf.Tensor) -> tf.Tensor:
            return tf.reduce_mean(tf.square(target - self.middle(told)), [1, 2])

        def mae(target: tf.Tensor, told: tf.Tensor) -> tf.Tensor:
            return tf.reduce_mean(tf.abs(target - self.middle(told)), [1, 2])

        return [keras.metrics.MeanMetricWrapper(each, name=each.__name__) for each in (mse, mae)]

    def answer(self, logits: tf.Tensor, target: Spec) -> dict[str, tf.Tensor]:
        """The forecast in the series' own units.

        Args:
          logits: As the network tells it.
          target: Says how series were standardised.

        Returns:
          `forecast: float32[batch, ahead, series]`, and with quantiles `quantiles: float32[batch, ahead, series, q]`.
        """
        if target.series.center:
            count = target.shape[1]
            center, scale = (tf.constant(each[:count]) for each in (target.series.center, target.series.scale))
            if self.quantiles:
                center, scale = center[:, None], scale[:, None]
            logits = logits * scale + center
        told = {"forecast": self.middle(logits)}
        return {**told, "quantiles": logits} if self.quantiles else told

    def score(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, float]:
        """Errors of forecasts of a whole split.

        Args:
          answers: As of `answer`; `quantiles` may be missing.
          truth: float32[example, ahead, series] in the target's unit.
          target: Says how series were standardised.

        Returns:
          `mse` and `mae` in the target's unit, `loss` as in training, `smape` as a fraction of 0 to 2; where the task
          has quantiles, `p50` (2 times the summed quantile loss over the summed size of the truth), and where the
          answers have them too, the same of each, such as `p90`, `quantile_loss` in the target's unit (mean over
          quantiles) and the coverage of the widest interval, such as `coverage_80`.

        Source:
          Makridakis et al. 2020, The M4 Competition (sMAPE); Salinas et al. 2020, DeepAR, section 4 (quantile risk).
        """
        truth, forecast = truth.astype(np.float64), answers["forecast"].astype(np.float64)
        told, wanted = standardised(forecast, target), in_units(truth, target)
        errors = np.abs(told - truth)
        found = {"mse": float(np.square(errors).mean()), "mae": float(errors.mean())}
        found["smape"] = float(symmetric(wanted, forecast).mean())
        if self.quantiles:
            found["p50"] = float(np.abs(wanted - forecast).sum() / (np.abs(wanted).sum() or 1.0))
        if self.quantiles and "quantiles" in answers:
            found |= self._risks(answers["quantiles"].astype(np.float64), wanted)
            errors = quantile_error(truth, standardised(answers["quantiles"], target, extra=1), self.quantiles)
            found["quantile_loss"] = float(errors.mean())
        loss = errors.reshape(len(errors), -1).mean(axis=1)
        if self.relative:
            level = (np.abs(truth) + np.abs(told)).mean(axis=(1, 2)) / 2
            loss = np.divide(loss, level, out=np.zeros_like(loss), where=level > 0)
        return {**found, "loss": float(loss.mean())}

    def _risks(self, quantiles: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
        risks = quantile_error(wanted, quantiles, self.quantiles).sum(axis=(0, 1, 2)) / (np.abs(wanted).sum() or 1.0)
        within = (quantiles[..., 0] <= wanted) & (wanted <= quantiles[..., -1])
        share = 100 * (self.quantiles[-1] - self.quantiles[0])
        found = {f"p{100 * level:g}": float(risk) for level, risk in zip(self.quantiles, risks, strict=True)}
        return {**found, f"coverage_{share:.0f}": float(within.mean())}

    def relative_score(
        self, answers: Answers, truth: np.ndarray, target: Spec, references: Mapping
    ) -> dict[str, float]:
        """Errors beside simple forecasts of the same series.

        Args:
          answers: With `forecast`.
          truth: As of `score`.
          target: As of `score`.
          references: `seasonal_error`, and perhaps `naive2`; see `zoo.datasets.windows`.

        Returns:
          `mase`, the absolute error over that of the seasonal naive forecast before the test, without series that
          repeat themselves exactly, and not where all do; with `naive2` also `owa`, the mean of sMAPE and MASE, each
          over that of Naive 2.

        Source:
          Hyndman and Koehler 2006 (MASE); Makridakis et al. 2020, The M4 Competition (OWA).
        """
        wanted = in_units(truth.astype(np.float64), target)
        seasonal = references["seasonal_error"]
        if not (seasonal > 0).any():
            return {}
        mase = scaled_error(wanted, answers["forecast"], seasonal)
        if "naive2" not in references:
            return {"mase": mase}
        simple = references["naive2"].astype(np.float64)
        smape = symmetric(wanted, answers["forecast"].astype(np.float64)).mean()
        naive = symmetric(wanted, simple).mean(), scaled_error(wanted, simple, seasonal)
        return {"mase": mase} | ({"owa": float(smape / naive[0] + mase / naive[1]) / 2} if all(naive) else {})

    def example_scores(self, answers: Answers, truth: np.ndarray, target: Spec) -> np.ndarray:
        """float64[example]: the headline metric of each window."""
        truth = truth.astype(np.float64)
        if self.headline == "smape":
            return symmetric(in_units(truth, target), answers["forecast"].astype(np.float64)).mean(axis=(1, 2))
        error = standardised(answers["forecast"], target) - truth
        return (np.square(error) if self.headline == "mse" else np.abs(error)).mean(axis=(1, 2))

    def baseline(
        self, train: tuple[Sequence[np.ndarray], np.ndarray], test: Sequence[np.ndarray], target: Spec
    ) -> Answers:
        """A linear function of the window, less its last value: NLinear, solved and not descended.

        Args:
          train: float32[step, column] of each train window, and float32[window, ahead, series] truths.
          test: The same of each test window.
          target: Says how series were standardised.

        Returns:
          `forecast: float32[window, ahead, series]`.

        Source:
          Zeng et al. 2023, Are Transformers Effective for Time Series Forecasting?
        """
        inputs = (np.stack([window[:, : target.shape[1]] for window in part]) for part in (train[0], test))
        return {"forecast": linear_forecast(next(inputs), train[1], next(inputs), target.series)}

    def beside(self, test: Sequence[np.ndarray], target: Spec) -> dict[str, Answers]:
        """Forecasts that need no training: the last value, and the last season where the look-back has one, repeated.

        Args:
          test: float32[step, column] of each test window.
          target: Says how far ahead, and how long a season is.
        """
        ahead, count, series = target.shape[0], target.shape[1], target.series
        past = np.stack([window[: len(window) - (ahead if series.known else 0), :count] for window in test])
        told = {"last_value": {"forecast": np.repeat(past[:, -1:], ahead, axis=1)}}
        if series.season <= past.shape[1]:
            places = past.shape[1] - series.season + np.arange(ahead) % series.season
            told["seasonal_naive"] = {"forecast": past[:, places]}
        return told

    def describe(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, list]:
        """Columns for a table of windows; `badness`, the absolute error in the target's unit, sorts worst first."""
        error = np.abs(standardised(answers["forecast"], target) - truth).mean(axis=1)
        worst = error.argmax(axis=1)
        names = target.series.names
        return {
            "worst_series": [names[index] if index < len(names) else str(index) for index in worst],
            "error_there": error.max(axis=1).round(4).tolist(),
            "badness": error.mean(axis=1).round(4).tolist(),
        }

    def pictures(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, Figure]:
        """The calibration of quantiles, where there are some; `zoo.pictures.forecasts` draws forecasts and errors."""
        if not self.quantiles:
            return {}
        wanted = in_units(truth.astype(np.float64), target)
        return {"calibration": forecast_pictures.calibration(answers["quantiles"], wanted, self.quantiles)}


def quantile_error(target, told, quantiles: Sequence[float]):
    """[..., quantile]: twice the quantile loss, of tensors or arrays.

    Args:
      target: [...].
      told: [..., quantile].
      quantiles: Their levels.
    """
    levels = np.array(quantiles, np.float32 if isinstance(told, tf.Tensor) else np.float64)
    over = told - target[..., None]
    maximum = tf.maximum if isinstance(told, tf.Tensor) else np.maximum
    return 2 * maximum((1 - levels) * over, -levels * over)


def symmetric(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """Symmetric absolute percentage error of each value, as a fraction of 0 to 2; 0 where both are 0."""
    size = np.abs(truth) + np.abs(forecast)
    return np.divide(2 * np.abs(truth - forecast), size, out=np.zeros_like(size), where=size > 0)


def scaled_error(truth: np.ndarray, forecast: np.ndarray, seasonal_error: np.ndarray) -> float:
    """Mean absolute scaled error of [example, ahead, series], over [example, series] of which one at least is not 0."""
    error, there = np.abs(truth - forecast).mean(axis=1), seasonal_error > 0
    return float((error[there] / seasonal_error[there]).mean())


def standardised(forecast: np.ndarray, target: Spec, extra: int = 0) -> np.ndarray:
    """float64: values [..., series] in own units, in the target's; `extra` axes stand behind the series."""
    center, scale = _scaling(target.series, target.shape[1], extra)
    return (forecast.astype(np.float64) - center) / scale


def in_units(values: np.ndarray, target: Spec) -> np.ndarray:
    """float64: values [..., series] in the target's unit, in own ones."""
    center, scale = _scaling(target.series, target.shape[1], 0)
    return values * scale + center


def _scaling(series: Series, count: int, extra: int) -> tuple[np.ndarray, np.ndarray]:
    if not series.center:
        return np.zeros(1), np.ones(1)
    shape = (count, *(1,) * extra)
    return np.reshape(series.center[:count], shape), np.reshape(series.scale[:count], shape)
