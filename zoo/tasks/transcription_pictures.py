"""Pictures of what was misread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import jiwer
import numpy as np
from matplotlib.figure import Figure

GROUPS = 8  # of texts of like length
MOST_CONFUSIONS = 25
NOTHING = "·"

Unit = Literal["characters", "words"]


def by_length(truth: Sequence[str], answers: Sequence[str], unit: Unit) -> Figure:
    """The error rate of texts of like length, with the number of texts.

    Args:
      truth: What is right.
      answers: What was read.
      unit: Of lengths and errors.
    """
    rate = jiwer.wer if unit == "words" else jiwer.cer
    lengths = [len(_parts(text, unit)) for text in truth]
    order = np.argsort(lengths, kind="stable")
    groups = [group for group in np.array_split(order, min(GROUPS, len(order))) if len(group)]
    rates = [rate([truth[index] for index in group], [answers[index] for index in group]) for group in groups]
    names = [f"{lengths[group[0]]}-{lengths[group[-1]]}\n({len(group)})" for group in groups]
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(groups)), rates)
    axes.set_xticks(range(len(groups)), names, fontsize=8)
    axes.set(xlabel=f"{unit} of the truth (texts)", ylabel=f"error rate of {unit}", title="Error by length")
    return figure


def confusions(truth: Sequence[str], answers: Sequence[str], unit: Unit) -> Figure:
    """The changes made most often, as a bar each: truth, answer and how often; a dot is nothing at all.

    Args:
      truth: What is right.
      answers: What was read.
      unit: What is changed.
    """
    counts: Counter[tuple[str, str]] = Counter()
    process = jiwer.process_words if unit == "words" else jiwer.process_characters
    found = process(list(truth), list(answers)).alignments
    for wanted, told, chunks in zip(truth, answers, found, strict=True):
        wanted, told = _parts(wanted, unit), _parts(told, unit)
        for chunk in chunks:
            if chunk.type != "equal":
                given = wanted[chunk.ref_start_idx : chunk.ref_end_idx]
                said = told[chunk.hyp_start_idx : chunk.hyp_end_idx]
                given, said = given or [NOTHING] * len(said), said or [NOTHING] * len(given)
                counts.update(zip(given, said, strict=True))
    most = counts.most_common(MOST_CONFUSIONS)
    figure = Figure(figsize=(5, 0.24 * max(len(most), 3) + 1.2), layout="constrained")
    axes = figure.subplots()
    shown = str if unit == "words" else repr  # a space needs its quotes
    names = [f"{shown(given)} as {shown(said)}".replace("$", r"\$") for (given, said), _ in most]
    axes.barh(names, [count for _, count in most])
    axes.invert_yaxis()
    axes.set(xlabel="times", title=f"Most frequent of {sum(counts.values())} wrong {unit}")
    return figure


def _parts(text: str, unit: Unit) -> list[str]:
    return text.split() if unit == "words" else list(text)
