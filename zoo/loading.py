"""The data that a run uses: public, the sample, or the user's own."""

from __future__ import annotations

from pathlib import Path

from zoo.datasets import own
from zoo.datasets.limit import limited
from zoo.recipe import Recipe
from zoo.types import Dataset, Source, UsageError


def load_data(
    recipe: Recipe,
    *,
    sample: bool = False,
    data: str | Path | None = None,
    manual_dir: str | Path | None = None,
    seed: int = 0,
    limit: int | None = None,
) -> Dataset:
    """The data that a run of the recipe would use; arguments as of `zoo.run`.

    Raises:
      UsageError: Two sources of data are given, or the data does not fit the recipe.
      BadData: The user's own data has faults.
    """
    if sample and data is not None:
        raise UsageError(f"`--sample` and `--data` exclude each other, got both (--data {data}). Give one.")
    if limit is not None and limit < 1:
        raise UsageError(f"`--limit` must be at least 1 example, got {limit}.")
    source = Source(manual_dir=Path(manual_dir) if manual_dir else None, seed=seed)
    if data is not None:
        dataset = own.load(Path(data), recipe.input, recipe.task.name, seed=seed)
    else:
        dataset = (recipe.sample if sample else recipe.dataset)(source)
    if not recipe.input.accepts(dataset.input):
        raise UsageError(f"the data must give {recipe.input}, and {dataset.name} gives {dataset.input}.")
    return dataset if limit is None else limited(dataset, limit)
