"""The plain types that every part of the zoo speaks; imports nothing heavy.

An example travels as a dict `{"id": string, "input": tensor, "target": tensor}`. What `input` and `target` are is said
by two `Spec`s, the only thing that a loader and a network builder share. A padded batch travels as two tensors,
`values` (right-padded) and `length: int32[batch]`, and every mask is derived from `length`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from zoo.series import Series

if TYPE_CHECKING:
    import keras
    import numpy as np
    import tensorflow as tf
    from matplotlib.figure import Figure

Kind = Literal["audio", "ink", "image", "text", "series", "label", "value"]
Origin = Literal["real", "sample", "own", "generated"]


class UsageError(ValueError):
    """Something the caller can mend: one line with what is wrong, what came and what to do. Exit code 2."""


class BadData(UsageError):
    """The user's data has faults; all of them are in `faults`, one line each with file, line and reason."""

    def __init__(self, path: Path | str, faults: list[str]):
        self.faults = faults
        lines = "\n".join(f"  {fault}" for fault in faults)
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"`{path}` has {count}; mend or remove these and run again:\n{lines}")


class RunError(RuntimeError):
    """A run, an export or its proof failed for a reason that one line can give. Exit code 1."""


class Halted(RunError):
    """A run cannot go on for a reason outside of it, no room or no tracking server; mended, `zoo resume` goes on."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What one tensor of an example is.

    Args:
      name: What it is called where a person reads it, and in serving signatures.
      kind: What a person would call the data; selects the file reader and the serving signature.
      shape: Of one example, without batch; None where lengths differ.
      dtype: A TensorFlow dtype name.
      axes: One name per dimension of `shape`.
      unit: Of the values, empty for none.
      rate_hz: Samples per second, for audio.
      classes: The labels that an integer target indexes, in order.
      series: What the columns are, where the past is given and the future is the target.
    """

    name: str
    kind: Kind
    shape: tuple[int | None, ...]
    dtype: str
    axes: tuple[str, ...]
    unit: str = ""
    rate_hz: int | None = None
    classes: tuple[str, ...] = ()
    series: Series | None = None

    def __post_init__(self) -> None:
        if len(self.shape) != len(self.axes):
            raise ValueError(f"`axes` must name each of the {len(self.shape)} dimensions of `shape`, got {self.axes}.")

    def __str__(self) -> str:
        sizes = [axis if size is None else f"{axis}={size}" for axis, size in zip(self.axes, self.shape, strict=True)]
        rate = f" at {self.rate_hz} Hz" if self.rate_hz else ""
        unit = f" in {self.unit}" if self.unit else ""
        return f"{self.name}: {self.dtype}[{', '.join(sizes)}]{unit}{rate}"

    def accepts(self, other: Spec) -> bool:
        """Whether data described by `other` may flow where this spec is expected (names and classes aside)."""
        fits = len(self.shape) == len(other.shape) and all(
            mine is None or mine == theirs for mine, theirs in zip(self.shape, other.shape, strict=True)
        )
        return fits and self.kind == other.kind and self.dtype == other.dtype and self.rate_hz == other.rate_hz


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where and how a loader gets its data.

    Args:
      manual_dir: Folder with the publisher's archive, used before any download; never written to.
      seed: For data that is generated and for splits that are drawn.
    """

    manual_dir: Path | None = None
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Examples in splits, and where they come from.

    Args:
      name: Of the data set, as its publisher writes it.
      version: The publisher's version, or "".
      origin: Whether this is real data, the zoo's sample, the user's own or generated.
      input: What `example["input"]` is.
      target: What `example["target"]` is.
      splits: "train", "val" and "test" (or several "test_<name>") to a `tf.data.Dataset` of single examples
        `{"id": string[], "input": ..., "target": ...}`, in a fixed order; perhaps "unlabelled", whose targets are -1.
      sizes: Number of examples of each split.
      fingerprint: Changes when the data or its splits change.
      citation: How to cite it.
      licence: Under which it may be used.
      home: Web page of the publisher, or "".
      references: Per test split, what answers are set beside: name to array[example, ...], as the task names them.
      left_out: What of the publisher's data could not be used, one reason each.
      published: What others have reported on the same split, metric name to value.
      vary: `(example, seed: int32[2]) -> example` on a train example, other noise behind it, say, or another one of its
        class; stateless. Cached variants of an example have a draw of their own, which the first has not.
      grouped_by: What `group_of` tells, such as "speaker".
      group_of: From the id of an example to its group, "" for none; None where there are no groups.
    """

    name: str
    version: str
    origin: Origin
    input: Spec
    target: Spec
    splits: Mapping[str, tf.data.Dataset]
    sizes: Mapping[str, int]
    fingerprint: str
    citation: str
    licence: str
    home: str = ""
    references: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    published: Mapping[str, float] = field(default_factory=dict)
    vary: Callable[[dict[str, tf.Tensor], tf.Tensor], dict[str, tf.Tensor]] | None = None
    grouped_by: str = ""
    group_of: Callable[[str], str] | None = None

    @property
    def tests(self) -> tuple[str, ...]:
        """Names of the test splits, "test" alone where there is one."""
        return tuple(name for name in self.splits if name.startswith("test"))


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network is fitted: AdamW, linear warm-up, then cosine decay to zero.

    Args:
      epochs: Passes over the train split.
      batch_size: Examples per step.
      learning_rate: The peak, after warm-up.
      warmup: Share of all steps spent warming up.
      weight_decay: AdamW's, decoupled.
      clip_norm: Gradients are scaled down to this global norm.
      average: Momentum of the exponential moving average of the weights that is evaluated and exported; 0 for none.
      variants: Cached copies of the train features, each with other `augment_raw` draws; epochs choose among them.
      balance: Weigh each class by the inverse of its share of the train split, in training only.
      keep: Weights of the epoch with the best watched metric, or of the last, where the schedule has ended and the
        validation split cannot tell (the same speakers, say, when the test has another).
      patience: Stop after this many epochs without a better watched metric; None to run them all.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    warmup: float = 0.1
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    average: float = 0.0
    variants: int = 1
    balance: bool = False
    keep: Literal["best", "last"] = "best"
    patience: int | None = None


Answers = Mapping[str, "np.ndarray"]


class Task(Protocol):
    """A kind of answer: what is learnt, how logits become an answer, how well it did, what to beat, what to draw.

    It may also have `beside(test, target)`, named answers that need no training; `relative_score(answers, truth,
    target, references)`, metrics beside what the data set knows of its tests; `signature()`, how they are counted; and
    `averaged_over(inputs, target)`, how many values the loss of a batch is the mean of where that is not its examples.
    """

    name: str
    headline: str  # metric compared with the baseline, such as "accuracy"
    watch: str  # validation metric that picks the best epoch, such as "val_accuracy"
    watch_mode: Literal["max", "min"]
    forced: bool  # training shows the network the target too: it takes `[features, length, target]`

    def loss(self) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
        """The loss on (target, logits)."""
        ...

    def metrics(self) -> list[keras.metrics.Metric]:
        """Metrics reported per epoch, on (target, logits)."""
        ...

    def answer(self, logits: tf.Tensor, target: Spec) -> dict[str, tf.Tensor]:
        """The exported outputs, by TensorFlow ops."""
        ...

    def score(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, float]:
        """Metrics of answers to a whole split, names without a prefix."""
        ...

    def example_scores(self, answers: Answers, truth: np.ndarray, target: Spec) -> np.ndarray:
        """float64[example]: the headline metric example by example, for paired intervals."""
        ...

    def baseline(
        self, train: tuple[Sequence[np.ndarray], np.ndarray], test: Sequence[np.ndarray], target: Spec
    ) -> Answers:
        """Answers of a simple model, fitted on (features, truth) of train, to the features of test."""
        ...

    def describe(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, list]:
        """Columns for a table of examples; the column `badness` sorts worst first."""
        ...

    def pictures(self, answers: Answers, truth: np.ndarray, target: Spec) -> dict[str, Figure]:
        """Pictures worth looking at after a run, by file name without suffix."""
        ...


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a recipe file says of itself in its docstring.

    Args:
      summary: First line.
      data: Which data.
      licence: Of the data.
      model: What is trained, with its source.
      result: Measured figures, or "not measured".
      command: What gave them.
    """

    summary: str
    data: str
    licence: str
    model: str
    result: str
    command: str


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a finished run gives; the same as the last line of `zoo run --json`.

    Args:
      run_id: MLflow's id.
      name: MLflow's name.
      recipe: Name of the recipe.
      data: Where its data came from.
      metrics: `test_*` and the best `val_*`.
      baseline: `baseline_*`, on the same test split.
      kernels: LSTM layer to "cudnn" or "cpu: reason".
      seconds: Wall time of the whole run.
      export: Folder of the SavedModel, None where nothing was exported.
      proof: "passed", or "none".
    """

    run_id: str
    name: str
    recipe: str
    data: Origin
    metrics: Mapping[str, float]
    baseline: Mapping[str, float]
    kernels: Mapping[str, str] = field(default_factory=dict)
    seconds: float
    export: str | None
    proof: str

    def predict(self, items: list[str]) -> list[dict[str, Any]]:
        """Answers of this run's export for the user's own files or texts, in order."""
        from zoo.serve import Model

        return Model.load(self.run_id).predict(items)


Frontend = Callable[[], "keras.layers.Layer"]
Network = Callable[[Spec, Spec], "keras.Model"]
Augment = Callable[["tf.Tensor", "tf.Tensor"], "tf.Tensor"]
