"""Runs side by side: settings that differ, figures, their spread over seeds, and tests on the same examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mlflow.artifacts
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from scipy.stats import t

from zoo import tracking
from zoo.paired import block_means, by_chance, interval
from zoo.types import UsageError

SCORES = "test_scores.csv"  # id and score of every test example
LEVEL = 0.95  # of intervals


def compare(references: Sequence[str]) -> dict[str, Any]:
    """Runs side by side.

    Args:
      references: As `tracking.find` takes them; or one recipe's name, for all of its finished runs that are not on the
        sample.

    Returns:
      `runs`, a row each; `settings`, those that differ, name to one value a run; `metrics`, all that any run has;
      `groups`, where some runs differ in their seed alone, the runs, settings and figures of each group, with mean,
      standard deviation and 95 % interval of the mean; `pairs`, the first run against each other one on the test
      examples that both have: mean difference with its interval, the probability of such a difference by chance where
      answers are right or wrong (McNemar's exact test), and the examples that changed.

    Raises:
      UsageError: Fewer than two runs, or one of them cannot be found.
    """
    ids = _ids(references)
    client = tracking.open_store()
    found = [client.get_run(run_id) for run_id in ids]
    rows = [tracking.row(run) for run in found]
    params = [run.data.params for run in found]
    settings = {name: [param.get(name) for param in params] for name in sorted(set().union(*params))}
    names = sorted(set().union(*(row["metrics"] for row in rows)))
    scores = {run.info.run_id: _scores(run) for run in found}
    return {
        "runs": rows,
        "settings": {name: values for name, values in settings.items() if len(set(values)) > 1},
        "metrics": {name: [row["metrics"].get(name) for row in rows] for name in names},
        "groups": _groups(found, rows),
        "pairs": [pair for other in ids[1:] if (pair := _pair(ids[0], other, scores[ids[0]], scores[other]))],
    }


def _ids(references: Sequence[str]) -> list[str]:
    if len(references) == 1:
        rows = [row for row in tracking.runs(references[0]) if row["status"] == "FINISHED" and row["data"] != "sample"]
        if len(rows) > 1:
            return [row["run_id"] for row in reversed(rows)]
        raise UsageError(
            f"`RUN` must be given at least twice to compare, or a recipe with two finished runs; {references[0]!r} has "
            f"{len(rows)}. See `zoo runs`."
        )
    if not references:
        raise UsageError("`RUN` must be given at least twice to compare, got none. See `zoo runs`.")
    return [tracking.find(reference) for reference in references]


def curves(run_ids: Sequence[str]) -> dict[str, dict[str, list[float]]]:
    """Metric to run to its value after each epoch, of the metrics that were logged by epoch."""
    client: MlflowClient = tracking.open_store()
    found: dict[str, dict[str, list[float]]] = {}
    for run_id in run_ids:
        for name in client.get_run(run_id).data.metrics:
            if name.startswith(("train_", "val_")):
                history = {each.step: each.value for each in client.get_metric_history(run_id, name)}
                found.setdefault(name, {})[run_id] = [history[step] for step in sorted(history)]
    return dict(sorted(found.items()))


def _groups(found: Sequence[Run], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Runs that differ in nothing but the seed, where there is a group of two."""
    groups: dict[tuple, list[int]] = {}
    for index, run in enumerate(found):
        about = (run.data.tags.get(tracking.RECIPE_TAG), run.data.tags.get(tracking.DATA_TAG))
        same = {name: value for name, value in run.data.params.items() if name != "seed"}
        groups.setdefault((*about, *sorted(same.items())), []).append(index)
    if all(len(members) == 1 for members in groups.values()):
        return []
    settings = [dict(key[2:]) for key in groups]
    differing = sorted(name for name in set().union(*settings) if len({setting.get(name) for setting in settings}) > 1)
    made = []
    for setting, members in zip(settings, groups.values(), strict=True):
        metrics = [rows[index]["metrics"] for index in members]
        shared = sorted(set.intersection(*(set(each) for each in metrics)))
        made.append(
            {
                "runs": [rows[index]["run_id"] for index in members],
                "settings": {name: setting.get(name) for name in differing},
                "metrics": {name: spread([each[name] for each in metrics]) for name in shared},
            }
        )
    return made


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean, standard deviation (n - 1) and the 95 % interval of the mean (Student's t); of one value the mean alone."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return {"mean": mean, "count": len(values)}
    deviation = float(np.std(values, ddof=1))
    reach = float(t.ppf((1 + LEVEL) / 2, len(values) - 1)) * deviation / len(values) ** 0.5
    return {"mean": mean, "deviation": deviation, "low": mean - reach, "high": mean + reach, "count": len(values)}


def _scores(run: Run) -> pd.DataFrame | None:
    """`block` and score of each test example by its id; None where the run was not tested."""
    try:
        file = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=SCORES)
    except (MlflowException, OSError):
        return None
    table = pd.read_csv(file, dtype={"id": str}, keep_default_na=False)
    return None if table["id"].duplicated().any() else table.set_index("id")


def _pair(one: str, other: str, left: pd.DataFrame | None, right: pd.DataFrame | None) -> dict[str, Any] | None:
    if left is None or right is None or list(left.columns) != list(right.columns):
        return None
    shared = left.index.intersection(right.index)
    if len(shared) < 2:
        return None
    before, after = left.loc[shared], right.loc[shared]
    metric = str(left.columns[-1])
    difference = (after[metric] - before[metric]).to_numpy()
    blocks = np.unique(before["block"], return_inverse=True)[1]
    low, high = interval(block_means(difference, blocks))
    made = {
        "runs": [one, other],
        "metric": metric,
        "examples": len(shared),
        "difference": float(difference.mean()),
        "low": low,
        "high": high,
    }
    if set(np.unique([before[metric], after[metric]])) <= {0.0, 1.0}:  # right or wrong
        right_before, right_after = before[metric].to_numpy() == 1, after[metric].to_numpy() == 1
        made["p"] = by_chance(right_before, right_after)
        made["to_right"] = list(shared[~right_before & right_after])
        made["to_wrong"] = list(shared[right_before & ~right_after])
    return made
