"""How well a model did on a test split, beside its baseline, with what is worth logging about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
from matplotlib.figure import Figure

from zoo import features
from zoo.chain import truths
from zoo.groups import by_group, picture
from zoo.paired import block_means, block_numbers, interval
from zoo.record import Record
from zoo.types import Answers, Dataset, Task

TABLE_ROWS = 200  # worst test examples in the table; more make MLflow's page slow
TABLE_CHARACTERS = 1000  # of a text in it
MOST_BASELINE = 20_000  # train examples for the baseline, which holds them all in memory


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures, pictures and examples of one test split.

    Attributes:
      split: "test", or "test_<name>".
      metrics: `<split>_<metric>`.
      baseline: `baseline_<metric>`, with the split's own name where there are several; and the same of other simple
        answers of the task, such as `copied_<metric>` or `last_value_<metric>`.
      difference: `difference_<metric>` of the headline metric to the baseline, with `_low` and `_high` of its interval;
        of windows over a series there are none where all overlap.
      pictures: By name.
      table: Columns, worst example first.
      scores: `id`, `block` and the headline metric of every example, for tests of pairs; windows that overlap are of
        one block.
      notes: Tags that say how the metrics were counted.
      alignments: Worst answers under their truths, where those are texts to be read.
      groups: As of `zoo.groups.by_group`, where the data set has groups.
    """

    split: str
    metrics: dict[str, float]
    baseline: dict[str, float]
    difference: dict[str, float]
    pictures: dict[str, Figure] = field(default_factory=dict)
    table: dict[str, list] = field(default_factory=dict)
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: dict[str, str] = field(default_factory=dict)
    alignments: str = ""
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)

    def log(self, record: Record) -> None:
        """Writes all of it into the record."""
        record.metrics({**self.metrics, **self.baseline, **self.difference})
        record.tags(self.notes)
        suffix = self.split.removeprefix("test")
        for name, figure in self.pictures.items():
            record.picture(f"{name}{suffix}", figure)
        record.table(f"{self.split}_examples", self.table)
        record.text(f"{self.split}_scores.csv", self.scores.to_csv(index=False, float_format="%.6g"))
        if len(self.groups):
            record.text(f"{self.split}_groups.csv", self.groups.to_csv(index=False, float_format="%.6g"))
        if self.alignments:
            record.text(f"{self.split}_alignments.txt", self.alignments)


def evaluate(
    task: Task, dataset: Dataset, split: str, prepared: Mapping[str, tf.data.Dataset], answers: Answers
) -> Evaluation:
    """Scores answers and the task's baseline on the same examples.

    Args:
      task: Says how.
      dataset: Has the split.
      split: Its name.
      prepared: Features of "train" and of the split, for the baseline.
      answers: The composed function's, in the split's order.
    """
    ids, truth = truths(dataset.splits[split])
    raw = dataset.input.kind == "text" or getattr(task, "baseline_reads_input", False)
    simple = task.baseline(*_for_baseline(dataset, split, prepared, raw), dataset.target)
    suffix = split.removeprefix("test")
    scores = task.example_scores(answers, truth, dataset.target)
    difference = scores - task.example_scores(simple, truth, dataset.target)
    name = f"difference{suffix}_{task.headline}"
    compared = {name: float(difference.mean())}
    blocks = np.arange(len(difference))
    if dataset.target.series is not None:
        named = dataset.references.get(split, {}).get("series", np.zeros(len(difference)))
        blocks = block_numbers(dataset.target.series.ahead, named)
    if dataset.target.series is None or blocks[-1]:  # one block says nothing of how far others would be off
        difference = block_means(difference, blocks)
        compared[f"{name}_low"], compared[f"{name}_high"] = interval(difference)
    columns = task.describe(answers, truth, dataset.target)
    pictures, groups = task.pictures(answers, truth, dataset.target), pd.DataFrame()
    if dataset.group_of is not None:
        names = [dataset.group_of(id) for id in ids]
        groups = by_group(task, answers, truth, dataset.target, names, columns["badness"])
        if len(groups):
            pictures |= {f"by_{dataset.grouped_by}": picture(groups, task.headline, dataset.grouped_by)}
    if dataset.input.kind == "text":
        columns["text"] = [text.decode(errors="replace")[:TABLE_CHARACTERS] for text in inputs(dataset, split)]
    worst = np.argsort(-np.asarray(columns["badness"]), kind="stable")[:TABLE_ROWS]
    others = {"baseline": simple}
    if hasattr(task, "beside"):
        others |= task.beside(inputs(dataset, split), dataset.target)
    beaten = {
        f"{other}{suffix}_{key}": value
        for other, given in others.items()
        for key, value in _scores(task, dataset, split, given, truth).items()
    }
    return Evaluation(
        split=split,
        metrics={f"{split}_{key}": value for key, value in _scores(task, dataset, split, answers, truth).items()},
        baseline=beaten,
        difference=compared,
        pictures=pictures,
        groups=groups,
        scores=pd.DataFrame({"id": ids, "block": blocks, task.headline: scores}),
        table={key: [values[index] for index in worst] for key, values in {"id": ids, **columns}.items()},
        alignments=task.alignments(answers, truth) if hasattr(task, "alignments") else "",
        notes={"bleu_signature": task.signature()} if hasattr(task, "signature") else {},
    )


def _scores(task: Task, dataset: Dataset, split: str, answers: Answers, truth: np.ndarray) -> dict[str, float]:
    found = task.score(answers, truth, dataset.target)
    references = dataset.references.get(split)
    return found | task.relative_score(answers, truth, dataset.target, references) if references else found


def _for_baseline(
    dataset: Dataset, split: str, prepared: Mapping[str, tf.data.Dataset], raw: bool
) -> tuple[tuple[Sequence[Any], np.ndarray], Sequence[Any]]:
    """What a baseline sees of train, with truths, and of the test split: features, or the raw inputs themselves."""
    if not raw:
        apart = -(-dataset.sizes["train"] // MOST_BASELINE)
        train = prepared["train"].shard(apart, 0)
        known, asked = (features.first_variant(part)[0] for part in (train, prepared[split]))
        if dataset.target.kind != "text":
            return (known, features.first_variant(train)[1]), asked
        texts = dict(zip(*truths(dataset.splits["train"]), strict=True))
        return (known, [texts[row["id"].decode()] for row in train.as_numpy_iterator()]), asked
    return (inputs(dataset, "train"), truths(dataset.splits["train"])[1]), inputs(dataset, split)


def inputs(dataset: Dataset, split: str) -> list[Any]:
    """The raw inputs of every example of a split, in order."""
    return [example["input"] for example in dataset.splits[split].as_numpy_iterator()]
