"""A picture of a sweep: what each trial reached, and which settings mattered."""

from __future__ import annotations

import warnings

import optuna
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from optuna.trial import TrialState

from zoo.sweeps.study import Study


def picture(study: Study, watch: str) -> Figure:
    """Values of complete and pruned trials by their number, the best so far, and the importance of each setting.

    Args:
      study: Of the sweep.
      watch: Name of the metric.
    """
    important = importances(study)
    figure = Figure(figsize=(9, 3.5) if important else (5.5, 3.5), layout="constrained")
    history, *bars = figure.subplots(1, 2 if important else 1, squeeze=False)[0]
    best = max if study.higher_is_better else min
    for state, marker in ((TrialState.COMPLETE, "o"), (TrialState.PRUNED, "x")):
        some = [trial for trial in study.trials() if trial.state == state and trial.value is not None]
        numbers, values = [trial.number for trial in some], [trial.value for trial in some]
        if some:
            history.scatter(numbers, values, marker=marker, label=state.name.lower(), color="C0")
        if some and state == TrialState.COMPLETE:
            so_far = [best(values[: count + 1]) for count in range(len(values))]
            history.step(numbers, so_far, where="post", color="C1", label="best so far")
    history.set(xlabel="trial", ylabel=watch)
    history.xaxis.set_major_locator(MaxNLocator(integer=True))
    history.legend()
    for axes in bars:
        axes.barh(list(important), list(important.values()))
        axes.invert_yaxis()
        axes.set(xlabel="importance (PED-ANOVA)", xlim=(0, 1))
    return figure


def importances(study: Study) -> dict[str, float]:
    """Share of each setting in what made trials good, the largest first; nothing where too few trials are complete."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna's, of what is experimental
            return optuna.importance.get_param_importances(study.study)
    except (ValueError, RuntimeError):  # fewer than two values
        return {}
