"""The proved export as a model in MLflow, with a signature, an input example and a model card."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import mlflow
import mlflow.pyfunc
import pandas as pd
from mlflow.entities import LoggedModelStatus
from mlflow.models import Model, ModelSignature
from mlflow.tracking import MlflowClient

from zoo import catalog, tracking
from zoo.chain import Chain
from zoo.disk import room
from zoo.record import SECONDS, Record
from zoo.served import WRAPPER, schema
from zoo.signatures import signatures
from zoo.types import Dataset, Halted, RunResult


def model(record: Record, file: Path, chain: Chain, dataset: Dataset, folder: Path) -> None:
    """Logs the export as the run's model, and registers it under the recipe's name unless the data is a sample.

    A resumed run that has a model gets no second one.

    Args:
      record: Of the run.
      file: The recipe's.
      chain: Says what the model takes.
      dataset: Gives the input example.
      folder: Of the proved export.

    Raises:
      Halted: There is no room, or the store does not answer.
    """
    name = None if dataset.origin == "sample" else file.stem
    if not record.flush(SECONDS):
        raise Halted("the tracking store does not answer, and the run has a model for it")
    with tracking.reached(), room("the model", tracking.folder()):
        client = tracking.open_store()
        if not record.resumed or not _is_there(client, record, name):
            _log(client, record, chain, dataset, folder, name)


def _is_there(client: MlflowClient, record: Record, name: str | None) -> bool:
    """Whether the run's model is logged; one that was cut off before it was registered is registered."""
    experiment = client.get_run(record.run_id).info.experiment_id
    every = client.search_logged_models([experiment], filter_string=f"source_run_id = '{record.run_id}'")
    found = [each for each in every if each.status == LoggedModelStatus.READY]
    for half in every:
        if half not in found:
            client.delete_logged_model(half.model_id)
    if found and name and not client.search_model_versions(f"run_id = '{record.run_id}'"):
        mlflow.register_model(f"models:/{found[0].model_id}", name)
    return bool(found)


def _log(client: MlflowClient, record: Record, chain: Chain, dataset: Dataset, folder: Path, name: str | None) -> None:
    example = next(iter(dataset.splits["val"].take(1).as_numpy_iterator()))["input"]
    served = signatures(chain.input)["serving_default"]
    inputs = served.pack([example])
    columns, shown = schema(served.inputs, chain.input.kind), inputs
    if all(len(spec.shape) == 1 for spec in served.inputs):
        shown = pd.DataFrame({name: list(value) for name, value in inputs.items()})
        shown = shown.map(bytes.decode) if chain.input.kind == "text" else shown
    run = client.get_run(record.run_id)
    made = client.create_logged_model(
        run.info.experiment_id, name="model", source_run_id=record.run_id, params=run.data.params
    )
    Model.log(  # what `mlflow.pyfunc.log_model` calls, which would take the run that is active in this thread
        artifact_path=None,
        flavor=mlflow.pyfunc,
        run_id=record.run_id,
        model_id=made.model_id,
        python_model=str(WRAPPER),
        artifacts={"saved_model": str(folder)},
        signature=ModelSignature(inputs=columns),
        input_example=shown,
        pip_requirements=[f"{name}=={importlib.metadata.version(name)}" for name in ("tensorflow", "mlflow")],
        registered_model_name=name,
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
