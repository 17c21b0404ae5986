"""A published figure, measured again by the command that gave it."""

from __future__ import annotations

import json
import re
import shlex
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from zoo import catalog
from zoo.types import RunError, UsageError

FIGURE = re.compile(r"(?P<metric>test_\w+) (?P<mean>[\d.]+) ± (?P<spread>[\d.]+) \((?P<seeds>\d+) seeds\)")
SPREADS = 2  # means of three seeds each differ by 0.8 spreads as a rule, and by more than 2 once in seventy times


@dataclass(frozen=True, kw_only=True)
class Reproduced:
    """A published figure and what came out now.

    Attributes:
      recipe: Its name.
      metric: Of the figure.
      published: Mean over seeds, as the header has it.
      spread: Standard deviation over seeds, as the header has it.
      values: One for each seed now.
      holds: Whether the mean of the values lies within two spreads of the published one.
      runs: MLflow's ids.
    """

    recipe: str
    metric: str
    published: float
    spread: float
    values: tuple[float, ...]
    holds: bool
    runs: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Of the values."""
        return statistics.mean(self.values)


def run_once(arguments: Sequence[str]) -> dict:
    """The result of one `zoo run` in a process of its own, as its last line of JSON gives it.

    Args:
      arguments: Behind `zoo run`.

    Raises:
      RunError: The run failed.
    """
    done = subprocess.run([sys.executable, "-m", "zoo", "run", *arguments, "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise RunError(f"`zoo run {shlex.join(arguments)}` ended with {done.returncode}; its reason is above.")
    return json.loads(done.stdout.splitlines()[-1])


def reproduce(name: str, *, seeds: int = 3, more: Sequence[str] = ()) -> Reproduced:
    """Runs a header's command once a seed and compares.

    Args:
      name: Of a recipe.
      seeds: How many, from 0.
      more: Arguments of `zoo run` behind those of the command, such as `--manual-dir` and its folder.

    Raises:
      UsageError: The header has no figure with its spread, or fewer seeds than one are asked for.
      RunError: A run failed.
    """
    file = catalog.find(name)
    header = catalog.header(file)
    figure = FIGURE.search(header.result)
    if figure is None:
        raise UsageError(f"`{name}` must have a figure to reproduce, and its header says: {header.result}.")
    if seeds < 1:
        raise UsageError(f"`--seeds` must be at least 1, got {seeds}.")
    words = shlex.split(header.command)[2:]  # behind `zoo run`
    results = [run_once([str(file), *words[1:], "--seed", str(seed), *more]) for seed in range(seeds)]
    values = tuple(result["metrics"][figure["metric"]] for result in results)
    published, spread = float(figure["mean"]), float(figure["spread"])
    return Reproduced(
        recipe=file.stem,
        metric=figure["metric"],
        published=published,
        spread=spread,
        values=values,
        holds=abs(statistics.mean(values) - published) <= SPREADS * spread,
        runs=tuple(result["run_id"] for result in results),
    )
