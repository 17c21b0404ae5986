"""The proved export as a model in MLflow, with a signature, an input example and a model card."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from zoo import catalog
from zoo.chain import Chain
from zoo.record import Record
from zoo.signatures import signatures
from zoo.types import Dataset, RunResult

WRAPPER = Path(__file__).with_name("mlflow_model.py")


def model(file: Path, chain: Chain, dataset: Dataset, folder: Path) -> None:
    """Logs the export as the run's model, and registers it under the recipe's name unless the data is a sample.

    Args:
      file: The recipe's.
      chain: Says what the model takes.
      dataset: Gives the input example.
      folder: Of the proved export.
    """
    example = next(iter(dataset.splits["val"].take(1).as_numpy_iterator()))["input"]
    served = signatures(chain.input)["serving_default"]
    inputs = served.pack([example])
    if all(len(spec.shape) == 1 for spec in served.inputs):  # a table with a column per input; bytes go as base64
        kind = DataType.string if chain.input.kind == "text" else DataType.binary
        columns = Schema([ColSpec(kind, spec.name) for spec in served.inputs])
        shown = pd.DataFrame({name: list(value) for name, value in inputs.items()})
        shown = shown.map(bytes.decode) if kind == DataType.string else shown
    else:
        columns = Schema(
            [
                TensorSpec(
                    np.dtype(spec.dtype.as_numpy_dtype),
                    [-1 if size is None else size for size in spec.shape],
                    spec.name,
                )
                for spec in served.inputs
            ]
        )
        shown = inputs
    mlflow.pyfunc.log_model(
        name="model",
        python_model=str(WRAPPER),
        artifacts={"saved_model": str(folder)},
        signature=ModelSignature(inputs=columns),
        input_example=shown,
        pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in ("tensorflow", "mlflow")],
        registered_model_name=None if dataset.origin == "sample" else file.stem,
    )


def card(record: Record, file: Path, dataset: Dataset, result: RunResult) -> None:
    """Writes the model card: what it is, on which data, how good beside its baseline, how to use it."""
    header = catalog.header(file)
    measured = [f"| {name} | {value:.4f} | {_beside(name, result)} |" for name, value in sorted(result.metrics.items())]
    text = "\n".join(
        [
            f"### {file.stem}",
            "",
            header.summary,
            "",
            f"- Model: {header.model}",
            f"- Data: {dataset.name} {dataset.version} ({dataset.origin}), fingerprint `{dataset.fingerprint}`",
            f"- Licence of the data: {dataset.licence}",
            f"- Citation: {' '.join(dataset.citation.split())}",
            f"- Input: `{dataset.input}`",
            f"- Output: `{dataset.target}`, {', '.join(dataset.target.classes) or 'no classes'}",
            f"- Proof of the export: {result.proof}",
            *(
                ["- **Trained on a sample: these figures say nothing about real data.**"]
                if dataset.origin == "sample"
                else []
            ),
            "",
            "| metric | model | baseline |",
            "|---|---|---|",
            *measured,
            "",
            f"Try it: `zoo predict {result.run_id} FILE`, `zoo serve {result.run_id}`.",
            "",
        ]
    )
    record.text("model_card.md", text)
    record.tags({"mlflow.note.content": text})


def _beside(name: str, result: RunResult) -> str:
    value = result.baseline.get("baseline" + name.removeprefix("test"))
    return "" if value is None else f"{value:.4f}"
