"""Pictures of what was misread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import jiwer
import numpy as np
from matplotlib.figure import Figure

GROUPS = 8  # of texts of like length
MOST_CONFUSIONS = 25
NOTHING = "·"


def by_length(truth: Sequence[str], answers: Sequence[str]) -> Figure:
    """The character error rate of texts of like length, with the number of texts.

    Args:
      truth: What is right.
      answers: What was read.
    """
    order = np.argsort([len(text) for text in truth], kind="stable")
    groups = [group for group in np.array_split(order, min(GROUPS, len(order))) if len(group)]
    rates = [jiwer.cer([truth[index] for index in group], [answers[index] for index in group]) for group in groups]
    names = [f"{len(truth[group[0]])}-{len(truth[group[-1]])}\n({len(group)})" for group in groups]
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(groups)), rates)
    axes.set_xticks(range(len(groups)), names, fontsize=8)
    axes.set(xlabel="characters of the truth (texts)", ylabel="character error rate", title="Error by length")
    return figure


def confusions(truth: Sequence[str], answers: Sequence[str]) -> Figure:
    """The changes made most often, as a bar each: truth, answer and how often; a dot is no character at all.

    Args:
      truth: What is right.
      answers: What was read.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for wanted, told, chunks in zip(
        truth, answers, jiwer.process_characters(list(truth), list(answers)).alignments, strict=True
    ):
        for chunk in chunks:
            if chunk.type == "equal":
                continue
            given = wanted[chunk.ref_start_idx : chunk.ref_end_idx] or NOTHING * (
                chunk.hyp_end_idx - chunk.hyp_start_idx
            )
            said = told[chunk.hyp_start_idx : chunk.hyp_end_idx] or NOTHING * len(given)
            counts.update(zip(given, said, strict=True))
    most = counts.most_common(MOST_CONFUSIONS)
    figure = Figure(figsize=(5, 0.24 * max(len(most), 3) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.barh([f"{given!r} as {said!r}".replace("$", r"\$") for (given, said), _ in most], [count for _, count in most])
    axes.invert_yaxis()
    axes.set(xlabel="times", title=f"Most frequent of {sum(counts.values())} wrong characters")
    return figure
