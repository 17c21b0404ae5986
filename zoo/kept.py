"""What a run keeps beside its export to be looked into: the network with its weights, and what its layers learnt."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import mlflow.artifacts

from zoo import catalog, tracking
from zoo.chain import Chain
from zoo.disk import room
from zoo.types import Dataset, RunError, Series, Spec

NETWORK, CHAIN = "network.keras", "chain.json"


def folder_of(run_id: str) -> Path:
    """Where a run keeps its network."""
    return tracking.folder() / "networks" / run_id


def keep(run_id: str, chain: Chain, dataset: Dataset, settings: Mapping[str, Any]) -> None:
    """Writes a trained network, and what is needed to build the chain around it, into the run's folder.

    Args:
      run_id: Of the run.
      chain: With the trained network.
      dataset: What the chain was made for.
      settings: Those of the recipe; others may be among them.

    Raises:
      Halted: There was no room.
    """
    folder = folder_of(run_id)
    specs = {name: dataclasses.asdict(getattr(dataset, name)) for name in ("input", "target")}
    about = {"settings": dict(settings), **specs, "learnt": chain.learnt}
    with room("the network", folder):
        folder.mkdir(parents=True, exist_ok=True)
        chain.network.save(folder / NETWORK, include_optimizer=False)
        (folder / CHAIN).write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")


def chain(run_id: str) -> Chain:
    """The chain of a run: its recipe, as logged with the run, with its settings and its trained network.

    Raises:
      RunError: The run kept no network here, or its frontend cannot be made again.
    """
    folder = folder_of(run_id)
    if not ((folder / CHAIN).is_file() and (folder / NETWORK).is_file()):
        raise RunError(f"run {run_id} has no kept network in {folder}. Was it finished, in this folder? Run it again.")
    about = json.loads((folder / CHAIN).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        tracking.open_store()
        logged = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="recipe", dst_path=scratch)
        (file,) = Path(logged).glob("*.py")
        known = catalog.settings(file)
        recipe = catalog.load(file, {name: value for name, value in about["settings"].items() if name in known})
    for part, make in (("input", recipe.frontend), ("target", recipe.labels)):
        if make is not None and hasattr(make(), "adapt") and part not in about["learnt"]:
            layer = type(make()).__name__
            raise RunError(f"run {run_id} did not keep what `{layer}` learnt; it needs `get_state` and `set_state`.")
    made = Chain(recipe, _spec(about["input"]), _spec(about["target"]), learnt=about["learnt"])
    made.network = keras.models.load_model(folder / NETWORK, compile=False)
    return made


def _spec(described: Mapping[str, Any]) -> Spec:
    values = _tuples(described)
    return Spec(**{**values, "series": Series(**_tuples(values["series"])) if values["series"] else None})


def _tuples(described: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in described.items()}
