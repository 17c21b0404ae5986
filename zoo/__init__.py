"""An LSTM model zoo: recipes run by name, tracked in MLflow, exported as SavedModels with a proof.

    import zoo

    run = zoo.run("spoken_digits", sample=True, units=96)
    zoo.load("latest").predict(["my.wav"])

Every public name loads when it is first used, so that `import zoo` is light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo import architectures, catalog, datasets, layers, tasks
    from zoo.comparison import compare
    from zoo.recipe import Recipe
    from zoo.resumption import resume
    from zoo.runs import run
    from zoo.serve import Model
    from zoo.sweeps.sweeping import sweep
    from zoo.types import BadData, Dataset, RunError, RunResult, Source, Spec, Training, UsageError

    load = Model.load

__all__ = [
    "BadData",
    "Dataset",
    "Recipe",
    "RunError",
    "RunResult",
    "Source",
    "Spec",
    "Training",
    "UsageError",
    "architectures",
    "catalog",
    "compare",
    "datasets",
    "layers",
    "load",
    "resume",
    "run",
    "sweep",
    "tasks",
]

_MODULES = ("architectures", "catalog", "datasets", "layers", "tasks")
_ELSEWHERE = {
    "Recipe": "zoo.recipe",
    "compare": "zoo.comparison",
    "resume": "zoo.resumption",
    "run": "zoo.runs",
    "sweep": "zoo.sweeps.sweeping",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}; it has {', '.join(__all__)}")
    if name in _MODULES:
        return importlib.import_module(f"zoo.{name}")
    if name == "load":
        return importlib.import_module("zoo.serve").Model.load
    return getattr(importlib.import_module(_ELSEWHERE.get(name, "zoo.types")), name)


def __dir__() -> list[str]:
    return __all__
