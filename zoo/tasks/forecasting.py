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
      relative: Divide a window's error in the loss by its level, where series are not standardised.
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
            level = tf.reduce_mean(tf.abs(target) + tf.abs(middle), [1, 2]) / 2  # in it too, so that zeros are safe
            return tf.math.divide_no_nan(error, level)

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
          `mse`, `mae` and `loss` in the target's unit, `smape` as a fraction of 0 to 2; with quantiles `p50` and `p90`
          (2 times the summed quantile loss over the summed size of the truth), `quantile_loss` (mean over quantiles)
          and the coverage of the widest interval, such as `coverage_80`.

        Source:
          Makridakis et al. 2020, The M4 Competition (sMAPE); Salinas et al. 2020, DeepAR, section 4 (quantile risk).
        """
        truth = truth.astype(np.float64)
        told = standardised(answers["forecast"], target)
        found = {"mse": float(np.square(told - truth).mean()), "mae": float(np.abs(told - truth).mean())}
        wanted, forecast = in_units(truth, target), answers["forecast"].astype(np.float64)
        found["smape"] = float(symmetric(wanted, forecast).mean())
        if not self.quantiles or "quantiles" not in answers:
            return {**found, "loss": found["mae"]}
        quantiles = answers["quantiles"].astype(np.float64)
        losses = quantile_error(wanted, quantiles, self.quantiles)
        size = np.abs(wanted).sum() or 1.0
        for each in (0.5, 0.9):
            if each in self.quantiles:
                found[f"p{100 * each:.0f}"] = float(losses[..., self.quantiles.index(each)].sum() / size)
        low, high = self.quantiles[0], self.quantiles[-1]
        within = (quantiles[..., 0] <= wanted) & (wanted <= quantiles[..., -1])
        found[f"coverage_{100 * (high - low):.0f}"] = float(within.mean())
        scaled = quantile_error(truth, standardised(answers["quantiles"], target, extra=1), self.quantiles)
        return {**found, "quantile_loss": float(scaled.mean()), "loss": float(scaled.mean())}

    def relative_score(
        self, answers: Answers, truth: np.ndarray, target: Spec, references: Mapping
    ) -> dict[str, float]:
        """Errors beside simple forecasts of the same series.

        Args:
          answers: With `forecast`.
          truth: As of `score`.
          target: As of `score`.
          references: `seasonal_error`, and `naive2` where each series is alone; see `zoo.datasets.windows`.

        Returns:
          `mase`, the absolute error over that of the seasonal naive forecast before the test, without series that
          repeat themselves exactly; with `naive2` also `owa`, the mean of sMAPE and MASE, each over that of Naive 2.

        Source:
          Hyndman and Koehler 2006 (MASE); Makridakis et al. 2020, The M4 Competition (OWA).
        """
        wanted = in_units(truth.astype(np.float64), target)
        own = scaled_error(wanted, answers["forecast"], references["seasonal_error"])
        if "naive2" not in references:
            return {"mase": own}
        simple = references["naive2"].astype(np.float64)
        smape = symmetric(wanted, answers["forecast"].astype(np.float64)).mean() / symmetric(wanted, simple).mean()
        mase = own / scaled_error(wanted, simple, references["seasonal_error"])
        return {"mase": own, "owa": float((smape + mase) / 2)}

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
        """Forecasts that need no training: the last value, and the last season, repeated.

        Args:
          test: float32[step, column] of each test window.
          target: Says how far ahead, and how long a season is.
        """
        ahead, count, series = target.shape[0], target.shape[1], target.series
        past = np.stack([window[: len(window) - (ahead if series.known else 0), :count] for window in test])
        season = min(series.season, past.shape[1])
        return {
            "last_value": {"forecast": np.repeat(past[:, -1:], ahead, axis=1)},
            "seasonal_naive": {"forecast": past[:, past.shape[1] - season + np.arange(ahead) % season]},
        }

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
        """Error by step ahead and by series, and with quantiles their calibration."""
        error = np.abs(standardised(answers["forecast"], target) - truth)
        made = {
            "error_by_step": forecast_pictures.by_step(error, target),
            "error_by_series": forecast_pictures.by_series(error, target),
        }
        if self.quantiles:
            wanted = in_units(truth.astype(np.float64), target)
            made["calibration"] = forecast_pictures.calibration(answers["quantiles"], wanted, self.quantiles)
        return made


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
    """Mean absolute scaled error; arrays [example, ahead, series] and [example, series]."""
    error = np.abs(truth - forecast).mean(axis=1)
    there = seasonal_error > 0
    return float((error[there] / seasonal_error[there]).mean()) if there.any() else 0.0


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
