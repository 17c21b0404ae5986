"""An LSTM over segments of a series, each series by itself, that tells all segments to come at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras
import tensorflow as tf

from zoo.datasets.windows import look_back
from zoo.layers.lstm import LSTM
from zoo.types import Spec, UsageError

SMALLEST = 1e-3  # spread of a window, in its own scale; a constant one has none
POSITIVE = 1e-6  # what the logarithm takes zeros for


def segment_forecaster(
    features: Spec,
    target: Spec,
    *,
    units: int = 256,
    segment: int = 24,
    dropout: float = 0.5,
    scaling: Literal["last", "reversible"] = "last",
    seasonal: bool = False,
    linear: bool = False,
    logarithm: bool = False,
    quantiles: Sequence[float] = (),
) -> SegmentForecaster:
    """A network from the past of some series to their future; see `SegmentForecaster` for what it takes and gives.

    Args:
      features: With a `Series`, known columns behind the series.
      target: float32[ahead, series].
      units: Of the LSTM, even.
      segment: Steps that it reads or tells at once.
      dropout: Before each segment told.
      scaling: "last" takes a window's last value away from it, "reversible" its mean, and divides by its deviation.
      seasonal: Tell the difference to the last season, where the look-back has a whole one, not to the last value.
      linear: Add a linear function of the whole window, 0 to begin with.
      logarithm: Read and tell logarithms; only for series that are positive and not standardised.
      quantiles: What to tell of the distribution, rising, 0.5 among them; none to tell one value.

    Raises:
      UsageError: `segment`, `units` or `quantiles` cannot be.
    """
    if segment < 1:
        raise UsageError(f"`segment` must be at least 1 step, got {segment}.")
    if units < 2 or units % 2:
        raise UsageError(f"`units` must be even, half for the place and half for the series, got {units}.")
    rising = sorted(set(quantiles)) == list(quantiles) and all(0 < each < 1 for each in quantiles)
    if quantiles and not (rising and 0.5 in quantiles):
        raise UsageError(f"`quantiles` must rise from 0 to 1 and have 0.5 among them, got {list(quantiles)}.")
    series = features.series
    made = SegmentForecaster(
        look_back=look_back(features),
        ahead=series.ahead,
        series=target.shape[1],
        known=len(series.known),
        season=series.season,
        center=[*(series.center or [0.0] * target.shape[1]), *series.known_center],
        scale=[*(series.scale or [1.0] * target.shape[1]), *series.known_scale],
        units=units,
        segment=segment,
        dropout=dropout,
        scaling=scaling,
        seasonal=seasonal,
        linear=linear,
        logarithm=logarithm,
        quantiles=list(quantiles),
        name="segment_forecaster",
    )
    made.build()
    return made


@keras.saving.register_keras_serializable(package="zoo")
class SegmentForecaster(keras.Model):
    """Reads each series in segments with one LSTM, whose state then tells every segment to come in one step each.

    What a segment told is about is in its input alone: which place it has, which series, and what is known of its time.
    So the future takes one step of the LSTM, in parallel, and errors do not add up from step to step.

    `network([values: float32[batch, step, column], length])` gives float32[batch, ahead, series], or float32[batch,
    ahead, series, quantile], in the unit that `center` and `scale` make of the series. The length is not looked at,
    every window is whole.

    Args:
      look_back: Steps of the past.
      ahead: Steps to tell.
      series: Number of series.
      known: Number of known columns.
      season: Steps of a season.
      center: What is taken away from each column, series and known ones.
      scale: What each column is divided by then.
      units: As of `segment_forecaster`, and so are the others.
      segment: Steps read or told at once.
      dropout: Before each segment told.
      scaling: Of a window.
      seasonal: Whether the last season is the base.
      linear: Whether there is a linear part.
      logarithm: Whether it works on logarithms.
      quantiles: What is told of the distribution.

    Source:
      Lin et al. 2023, SegRNN: Segment Recurrent Neural Network for Long-Term Time Series Forecasting (segments, one
      network for all series, parallel decoding); Kim et al. 2022, Reversible Instance Normalization; Zeng et al. 2023
      (last value taken away, linear part); Wen et al. 2017, A Multi-Horizon Quantile Recurrent Forecaster.
    """

    def __init__(
        self,
        *,
        look_back: int,
        ahead: int,
        series: int,
        known: int,
        season: int,
        center: list[float],
        scale: list[float],
        units: int,
        segment: int,
        dropout: float,
        scaling: str,
        seasonal: bool,
        linear: bool,
        logarithm: bool,
        quantiles: list[float],
        **kwargs: object,
    ):
        super().__init__(**kwargs)
        self.settings = {
            "look_back": look_back,
            "ahead": ahead,
            "series": series,
            "known": known,
            "season": season,
            "center": center,
            "scale": scale,
            "units": units,
            "segment": segment,
            "dropout": dropout,
            "scaling": scaling,
            "seasonal": seasonal,
            "linear": linear,
            "logarithm": logarithm,
            "quantiles": quantiles,
        }
        self.read = -(-look_back // segment)  # segments of the past; the first one may begin before it
        self.told = -(-ahead // segment)
        self.embed = keras.layers.Dense(units, activation="relu", name="embed")
        self.lstm = LSTM(units, return_state=True, name="lstm")
        self.embed_known = keras.layers.Dense(units, use_bias=False, name="embed_known") if known else None
        self.dropout = keras.layers.Dropout(dropout, name="dropout")
        self.tell = keras.layers.Dense(segment * max(1, len(quantiles)), name="tell")
        self.linear = keras.layers.Dense(ahead, kernel_initializer="zeros", name="linear") if linear else None

    def build(self, input_shape: object = None) -> None:
        """Makes the weights, whose shapes depend on the settings alone."""
        settings = self.settings
        units, segment, known = settings["units"], settings["segment"], settings["known"]
        self.embed.build((None, None, segment * (1 + known)))
        self.lstm.build((None, None, units))
        self.tell.build((None, None, units))
        if self.embed_known is not None:
            self.embed_known.build((None, None, segment * known))
        if self.linear is not None:
            self.linear.build((None, settings["look_back"]))
        normal = keras.initializers.RandomNormal(stddev=1.0)  # as SegRNN's
        self.places = self.add_weight(shape=(self.told, units // 2), initializer=normal, name="places")
        self.names = self.add_weight(shape=(settings["series"], units // 2), initializer=normal, name="names")
        self.built = True

    def call(self, inputs: list[tf.Tensor], training: bool = False) -> tf.Tensor:
        """The future of a batch; see the class."""
        settings = self.settings
        values = (inputs[0] - tf.constant(settings["center"])) / tf.constant(settings["scale"])
        past = tf.transpose(values[:, : settings["look_back"], : settings["series"]], [0, 2, 1])
        known = values[..., settings["series"] :]
        if settings["logarithm"]:
            past = tf.math.log(tf.maximum(past, POSITIVE))
        shift, spread = past[..., -1:], tf.ones_like(past[..., -1:])
        if settings["scaling"] == "reversible":
            shift = tf.reduce_mean(past, -1, keepdims=True)
            spread = tf.math.reduce_std(past, -1, keepdims=True)
            spread = tf.maximum(spread, SMALLEST * tf.maximum(tf.abs(shift), SMALLEST))
        window = (past - shift) / spread  # [batch, series, look-back]
        told = self._told(window, known, training)  # [batch, series, ahead, quantile]
        if settings["quantiles"]:
            told = self._rising(told)
        told += self._base(window)[..., None]
        told = told * spread[..., None] + shift[..., None]
        if settings["logarithm"]:
            told = tf.exp(told)
        told = tf.transpose(told, [0, 2, 1, 3])
        return told if settings["quantiles"] else told[..., 0]

    def _told(self, window: tf.Tensor, known: tf.Tensor, training: bool) -> tf.Tensor:
        settings = self.settings
        segment, series = settings["segment"], settings["series"]
        batch = tf.shape(window)[0]
        early = self.read * segment - settings["look_back"]
        steps = tf.reshape(tf.pad(window, [[0, 0], [0, 0], [early, 0]]), [-1, self.read, segment])
        if settings["known"]:
            before = tf.pad(known[:, : settings["look_back"]], [[0, 0], [early, 0], [0, 0]])
            before = tf.reshape(before, [batch, self.read, segment * settings["known"]])
            steps = tf.concat([steps, tf.repeat(before, series, 0)], -1)
        _, *state = self.lstm(self.embed(steps), training=training)
        asked = [tf.repeat(self.places[None], series, 0), tf.repeat(self.names[:, None], self.told, 1)]
        asked = tf.concat(asked, -1)[None]  # [1 or batch, series, told, units]
        if settings["known"]:
            late = self.told * segment - settings["ahead"]
            after = tf.pad(known[:, settings["look_back"] :], [[0, 0], [0, late], [0, 0]])
            after = tf.reshape(after, [batch, self.told, segment * settings["known"]])
            asked += self.embed_known(after)[:, None]
        found = self._asked(asked, state, batch, training)
        told = self.tell(self.dropout(found, training=training))
        count = max(1, len(settings["quantiles"]))
        return tf.reshape(told, [batch, series, self.told * segment, count])[:, :, : settings["ahead"]]

    def _asked(self, asked: tf.Tensor, state: list[tf.Tensor], batch: tf.Tensor, training: bool) -> tf.Tensor:
        """float32[batch, series, told, units]: one step from the state of each series for every segment asked for.

        Training takes the products apart, in a fraction of the time; elsewhere the layer itself is called, whose gates
        can be looked at.
        """
        series, units = self.settings["series"], self.settings["units"]
        if training:
            h, c = (tf.reshape(part, [batch, series, 1, units]) for part in state)
            return branches(self.lstm, asked, h, c)
        steps = tf.reshape(tf.broadcast_to(asked, [batch, series, self.told, units]), [-1, 1, units])
        found, *_ = self.lstm(steps, initial_state=[tf.repeat(part, self.told, 0) for part in state])
        return tf.reshape(found, [batch, series, self.told, units])

    def _base(self, window: tf.Tensor) -> tf.Tensor:
        """float32[batch, series, ahead]: what is told if the LSTM tells nothing."""
        settings = self.settings
        base = tf.repeat(window[..., -1:], settings["ahead"], -1)
        if settings["seasonal"] and settings["season"] <= settings["look_back"]:
            times = -(-settings["ahead"] // settings["season"])
            base = tf.tile(window[..., -settings["season"] :], [1, 1, times])[..., : settings["ahead"]]
        elif settings["scaling"] == "reversible":
            base = tf.zeros_like(base)
        return base + self.linear(window) if self.linear is not None else base

    def _rising(self, told: tf.Tensor) -> tf.Tensor:
        """Quantiles that cannot cross: the median, and others by positive steps away from it."""
        middle = self.settings["quantiles"].index(0.5)
        apart = tf.nn.softplus(told)
        below = tf.reverse(tf.cumsum(tf.reverse(apart[..., :middle], [-1]), -1), [-1])
        above = tf.cumsum(apart[..., middle + 1 :], -1)
        median = told[..., middle : middle + 1]
        return tf.concat([median - below, median, median + above], -1)

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        return {"name": self.name, **self.settings}


def branches(layer: LSTM, x: tf.Tensor, h: tf.Tensor, c: tf.Tensor) -> tf.Tensor:
    """What `layer` gives for one more step, taken once for each of several inputs from the same state.

    As calling the layer with the state repeated for each input, which gives the same, but the product of the state and
    its weights is made once, and that of inputs which all rows of a batch share is too.

    Args:
      layer: Whose weights are used.
      x: float[batch or 1, ..., branch, input].
      h: float[batch, ..., 1, units], the output after the step before.
      c: float[batch, ..., 1, units], the cells after it.

    Returns:
      float[batch, ..., branch, units].
    """
    cell = layer.cell
    z = tf.tensordot(x, cell.kernel, 1) + cell.bias + tf.tensordot(h, cell.recurrent_kernel, 1)
    i, f, g, o = tf.split(z, 4, -1)
    return tf.sigmoid(o) * tf.tanh(tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g))
