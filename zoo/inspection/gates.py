"""What the gates of every LSTM layer did while a network read one example, and how its answer depends on each step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf
from scipy.special import expit

from zoo.chain import Chain
from zoo.layers.lstm import LSTM
from zoo.tasks import ctc
from zoo.types import RunError

TOLERANCE = 1e-4  # between an output of a layer and what its equations give
GATES = ("input", "forget", "output")


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What one LSTM layer did at each step, in the order of the steps, whichever way it read them.

    Attributes:
      layer: Its path in the network.
      backwards: Whether it reads from the last step to the first.
      answering: Whether it reads the answer, or the places of one, and begins with what another layer remembered.
      gates: By name, "input", "forget" and "output": float64[step, unit] in 0 to 1.
      cell: float64[step, unit], what the memory cells hold after the step.
      hidden: float64[step, unit], what the layer gives at the step.
      difference: The largest difference of `hidden` to what the layer itself gave.
    """

    layer: str
    backwards: bool
    answering: bool
    gates: dict[str, np.ndarray]
    cell: np.ndarray
    hidden: np.ndarray
    difference: float

    @property
    def spans(self) -> np.ndarray:
        """float64[unit]: steps after which a cell still holds 1 / e of what it held, by its mean forget gate."""
        with np.errstate(divide="ignore"):
            return -1 / np.log(self.gates["forget"].mean(axis=0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """One example as a network saw it.

    Attributes:
      answer: The chain's outputs for it.
      steps: Steps of the features.
      readings: Of every LSTM layer, in the order in which they ran.
      gradient: float64[step]: the size of the gradient of the answer with respect to the features of each step, or to
        the vectors that stand for them where they are numbers of words.
      of: What of the answer the gradient is taken of.
    """

    answer: dict[str, np.ndarray]
    steps: int
    readings: list[Reading]
    gradient: np.ndarray
    of: str
    written: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Call:
    """One call of an LSTM layer: what its kernel was given, and what it gave."""

    layer: LSTM
    x: tf.Tensor
    h: tf.Tensor
    c: tf.Tensor
    answering: bool
    outputs: tf.Tensor


def look(chain: Chain, values: tf.Tensor, length: tf.Tensor, row: int = 0) -> Look:
    """Runs one example through a chain and looks into its LSTM layers.

    Args:
      chain: Of a run.
      values: One raw example, with a batch axis.
      length: int32[1].
      row: Which series of the example, where its network reads each series by itself.

    Raises:
      RunError: What a layer gave is not what its equations give.
    """
    searched = chain(values, length) if chain.task.forced else {}
    with tf.device("/CPU:0"), tf.GradientTape(persistent=True) as tape:
        features, steps = _features(chain, values, length)
        numbers = features.dtype.is_floating
        if numbers:
            tape.watch(features)
        given = _given(chain, searched)
        with _watched(tape) as calls:
            logits = chain.network([features, steps, *given], training=False)
        scalar, of = _scalar(chain, logits, given, row)
        sources = [features] if numbers else _first(tape, [call for call in calls if not call.answering])
    answer = searched or chain.answer(logits)
    gradient = _sizes([tape.gradient(scalar, source) for source in sources], sources, row)
    count = int(steps[0])
    return Look(
        answer={name: value.numpy() for name, value in answer.items()},
        steps=count,
        readings=[_reading(call, row, len(calls[0].x)) for call in calls],
        gradient=gradient[:count],
        of=of,
        written=_written(chain, given),
    )


def _features(chain: Chain, values: tf.Tensor, length: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Features of one example without padding, at least one step, and their number int32[1]."""
    features, steps = chain.to_features(values, length)
    missing = tf.maximum(1 - tf.shape(features)[1], 0)
    features = tf.pad(features, [[0, 0], [0, missing], *([0, 0] for _ in chain.features.shape[1:])])
    steps = tf.clip_by_value(steps, 1, tf.shape(features)[1])
    return features[:, : int(steps[0])], steps


def _given(chain: Chain, answer: dict[str, tf.Tensor]) -> list[tf.Tensor]:
    """The pieces of the answer int32[1, step], where the network is given it while training."""
    if not chain.task.forced:
        return []
    ids, _ = chain.labels(next(iter(answer.values())), tf.constant([1]))
    return [ids]


def _written(chain: Chain, given: Sequence[tf.Tensor]) -> list[str]:
    """The pieces that the answering layers read, one a step."""
    return [chain.target.classes[index] for index in given[0][0, :-1].numpy()] if given else []


@contextlib.contextmanager
def _watched(tape: tf.GradientTape) -> Iterator[list[_Call]]:
    """Notes every call of an LSTM layer inside, with its inputs watched by the tape."""
    calls: list[_Call] = []
    run, call = LSTM._run, LSTM.call
    answering = False

    def noted_call(layer: LSTM, sequences: tf.Tensor, initial_state: list | None = None, **options: object) -> object:
        nonlocal answering
        answering = initial_state is not None
        return call(layer, sequences, initial_state=initial_state, **options)

    def noted_run(layer: LSTM, x: tf.Tensor, length: tf.Tensor, h: tf.Tensor, c: tf.Tensor, **options: bool) -> tuple:
        tape.watch(x)
        results = run(layer, x, length, h, c, **options)
        calls.append(_Call(layer, x, h, c, answering, results[0]))
        return results

    LSTM.call, LSTM._run = noted_call, noted_run
    try:
        yield calls
    finally:
        LSTM.call, LSTM._run = call, run


def _first(tape: tf.GradientTape, calls: Sequence[_Call]) -> list[tf.Tensor]:
    """The inputs that do not come from another layer: the vectors that stand for words."""

    def depends(call: _Call, before: Sequence[_Call]) -> bool:
        return any(tape.gradient(call.x, other.x) is not None for other in before)

    return [call.x for number, call in enumerate(calls) if not depends(call, calls[:number])]


def _scalar(chain: Chain, logits: tf.Tensor, given: Sequence[tf.Tensor], row: int) -> tuple[tf.Tensor, str]:
    """The number whose gradient is taken, and what it is in words."""
    if given:
        wanted = given[0][:, 1:]
        return -tf.reduce_sum(tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, logits)), "log-probability"
    if chain.task.name == "forecasting":  # of the last step told, the median where there are quantiles
        told = logits if logits.shape.rank == 3 else logits[..., logits.shape[-1] // 2]
        return told[0, -1, row % told.shape[2]], "last step of the forecast"
    if logits.shape.rank == 1:
        return logits[0], "value"
    if chain.task.name == "transcription":
        return tf.reduce_sum(tf.reduce_max(ctc.frames(logits)[0], -1)), "logits of the best symbols"
    best = tf.reduce_max(logits, -1)
    if chain.task.name == "classification" and logits.shape.rank == 3:  # members, each with its share
        chosen = tf.argmax(tf.reduce_mean(tf.nn.softmax(logits), 1), -1)[0]
        return tf.reduce_mean(logits[0, :, chosen]), "logit of the answer"
    if logits.shape.rank == 2:
        return best[0], "logit of the answer"
    return best[0, -1], "logit of the last label"


def _sizes(gradients: Sequence[tf.Tensor | None], sources: Sequence[tf.Tensor], row: int) -> np.ndarray:
    """float64[step]: lengths of the gradients; those of one source, read both ways, are added before."""
    together: list[tuple[np.ndarray, np.ndarray]] = []
    for gradient, source in zip(gradients, sources, strict=True):
        read = source.numpy()
        found = np.zeros(read.shape) if gradient is None else tf.convert_to_tensor(gradient).numpy().astype(np.float64)
        for number, (other, total) in enumerate(together):
            if other.shape == read.shape and np.array_equal(other, read):
                together[number] = other, total + found
                break
        else:
            together.append((read, found))
    squares = [
        np.square(total[min(row, len(total) - 1)]).reshape(total.shape[1], -1).sum(axis=1) for _, total in together
    ]
    return np.sqrt(np.sum(squares, axis=0))


def _reading(call: _Call, row: int, rows: int) -> Reading:
    """What a call did for one row; of a series, all the places told from its state are its steps."""
    layer = call.layer
    made = equations(
        *(np.asarray(value, np.float64) for value in (call.x, call.h, call.c)),
        *(
            np.asarray(weight, np.float64)
            for weight in (layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias)
        ),
        backwards=layer.go_backwards,
    )
    difference = float(np.abs(made["hidden"] - call.outputs.numpy()).max())
    if not difference <= TOLERANCE:
        raise RunError(
            f"the gates of `{layer.path}` are not what it computed: by its equations its outputs differ by up to "
            f"{difference:.2g}, more than {TOLERANCE}."
        )
    share = max(1, len(call.x) // rows)
    own = {name: value[row * share : (row + 1) * share].reshape(-1, layer.units) for name, value in made.items()}
    return Reading(
        layer=layer.path,
        backwards=layer.go_backwards,
        answering=call.answering,
        gates={name: own[name] for name in GATES},
        cell=own["cell"],
        hidden=own["hidden"],
        difference=difference,
    )


def equations(
    x: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    kernel: np.ndarray,
    recurrent_kernel: np.ndarray,
    bias: np.ndarray,
    *,
    backwards: bool,
) -> dict[str, np.ndarray]:
    """An LSTM by its equations, a step at a time, in float64; see `zoo.layers.LSTM`.

    Args:
      x: float64[row, step, input].
      h: float64[row, unit], the output before the first step read.
      c: float64[row, unit], the cells before it.
      kernel: float64[input, 4 * unit], gates in the order i, f, g, o.
      recurrent_kernel: float64[unit, 4 * unit].
      bias: float64[4 * unit].
      backwards: Read from the last step to the first.

    Returns:
      "input", "forget" and "output" gates, "cell" and "hidden": float64[row, step, unit] each, beside their inputs.
    """
    names = (*GATES, "cell", "hidden")
    made = {name: np.empty((*x.shape[:2], h.shape[1])) for name in names}
    projected = x @ kernel + bias
    for step in range(x.shape[1])[:: -1 if backwards else 1]:
        i, f, g, o = np.split(projected[:, step] + h @ recurrent_kernel, 4, axis=1)
        i, f, o = expit(i), expit(f), expit(o)
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        for name, value in zip(names, (i, f, o, c, h), strict=True):
            made[name][:, step] = value
    return made


def lstm_layers(network: keras.Model) -> int:
    """How many LSTM layers of the zoo a network has."""
    return sum(isinstance(layer, LSTM) for layer in network._flatten_layers())
