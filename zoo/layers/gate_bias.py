"""How long a recurrent layer remembers before it has learnt anything: the first biases of its gates."""

from __future__ import annotations

import keras
from keras import ops

from zoo.types import UsageError


@keras.saving.register_keras_serializable(package="zoo")
class GateBias(keras.initializers.Initializer):
    """First biases of the gates of an LSTM or a GRU; all others are 0.

    A forget gate of bias b lets through the share sigmoid(b) of a cell at every step, so that what a cell holds fades
    to 1 / e within about 1 + exp(b) steps. With `span` the biases of the forget gates are the logarithms of numbers
    drawn evenly from 1 to `span` - 1, so that the units forget over all times up to there, and those of the input gates
    are their negatives. In a GRU the update gate, which keeps what was there, has the part of the forget gate.

    Called with the shape of the bias: (4 * units,) of an LSTM, gates i, f, g, o; (2, 3 * units) of a GRU, gates z, r,
    h, where the second row, of the recurrent matrix, is 0.

    Args:
      forget: Bias of the forget gate where there is no span.
      span: Steps of the longest dependence, at least 2; None for `forget`.

    Raises:
      UsageError: `span` is below 2.

    Source:
      Gers, Schmidhuber and Cummins 2000 and Jozefowicz et al. 2015 (a constant); Tallec and Ollivier 2018, Can
      Recurrent Neural Networks Warp Time?, section 2.2 (chrono initialisation, `span` is their T_max).
    """

    def __init__(self, forget: float = 1.0, span: int | None = None):
        if span is not None and span < 2:
            raise UsageError(f"`span` must be at least 2 steps, got {span}. Give the length of the sequences.")
        self.forget, self.span = forget, span

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> keras.KerasTensor:
        """The biases; see the class."""
        if len(shape) == 1:
            keep = self._keep(shape[0] // 4, dtype)
            enter = -keep if self.span is not None else ops.zeros_like(keep)
            return ops.concatenate([enter, keep, ops.zeros((shape[0] // 2,), dtype)])
        keep = self._keep(shape[1] // 3, dtype)
        return ops.stack(
            [ops.concatenate([keep, ops.zeros((shape[1] // 3 * 2,), dtype)]), ops.zeros((shape[1],), dtype)]
        )

    def _keep(self, units: int, dtype: str | None) -> keras.KerasTensor:
        if self.span is None:
            return ops.full((units,), self.forget, dtype)
        return ops.log(keras.initializers.RandomUniform(1.0, self.span - 1.0)((units,), dtype))

    def get_config(self) -> dict[str, object]:
        """The constructor's arguments."""
        return {"forget": self.forget, "span": self.span}
