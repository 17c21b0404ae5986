"""An export as a model that MLflow can serve: only its SavedModel is used, never code that lies beside it."""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import mlflow.artifacts
import mlflow.pyfunc
import numpy as np
import tensorflow as tf
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.pyfunc import PyFuncModel
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from zoo.guard import Guard
from zoo.types import RunError, UsageError

MOST_AT_ONCE = 512  # connections; one more is told to come again
WRAPPER = Path(__file__).with_name("mlflow_model.py")
# Operations that reach beyond the tensors that they are given; no export of the zoo has one.
REACHING = {"PyFunc", "PyFuncStateless", "EagerPyFunc", "ReadFile", "WriteFile", "MatchingFiles"}


def schema(inputs: Sequence[tf.TensorSpec], kind: str) -> Schema:
    """What MLflow has to know of a signature: a table with a column per input, or tensors.

    Args:
      inputs: Named, the batch first.
      kind: Of the raw input; texts travel as they are, other bytes as base64.
    """
    if all(len(spec.shape) == 1 for spec in inputs):
        column = DataType.string if kind == "text" else DataType.binary
        return Schema([ColSpec(column, spec.name) for spec in inputs])
    return Schema(
        [
            TensorSpec(
                np.dtype(spec.dtype.as_numpy_dtype), [-1 if size is None else size for size in spec.shape], spec.name
            )
            for spec in inputs
        ]
    )


def check(folder: Path) -> SavedModel:
    """What a folder's `saved_model.pb` says, of an export of the zoo whose graph only computes.

    Raises:
      UsageError: It has no `saved_model.pb` or no `model.json`.
      RunError: Its graph would read or write files or call Python.
    """
    for name in ("saved_model.pb", "model.json"):
        if not (folder / name).is_file():
            raise UsageError(f"`{folder}` must be an export of the zoo, and it has no {name}. Use `zoo export`.")
    try:
        model = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    except Exception as error:  # protobuf's own kind of error
        raise RunError(f"`{folder}` cannot be read: saved_model.pb is damaged; export it again") from error
    graphs = [graph.graph_def for graph in model.meta_graphs]
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [node for graph in graphs for function in graph.library.function for node in function.node_def]
    reaching = sorted({node.op for node in nodes} & REACHING)
    if reaching:
        raise RunError(f"`{folder}` is not loaded: its graph would do more than compute ({', '.join(reaching)})")
    return model


def of_export(folder: Path, scratch: Path) -> PyFuncModel:
    """A model that MLflow's scoring app takes, made of an export and this package's own code.

    Args:
      folder: Of the export.
      scratch: A folder for what MLflow wants to have on disk; must live as long as the model.

    Raises:
      UsageError, RunError: As of `check`.
    """
    (graph,) = check(folder).meta_graphs
    kind = json.loads((folder / "model.json").read_text(encoding="utf-8"))["kind"]
    inputs = sorted(graph.signature_def["serving_default"].inputs.items())
    named = [tf.TensorSpec(tf.TensorShape(spec.tensor_shape), spec.dtype, name) for name, spec in inputs]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*input example was not provided")  # nobody else will see this model
        mlflow.pyfunc.save_model(
            str(scratch / "model"),
            python_model=str(WRAPPER),
            artifacts={"saved_model": str(folder)},
            signature=ModelSignature(inputs=schema(named, kind)),
            pip_requirements=["tensorflow", "mlflow"],
        )
    return mlflow.pyfunc.load_model(str(scratch / "model"))


def fetched(address: str) -> Path:
    """The folder of the SavedModel in a model that was logged.

    Args:
      address: `models:/name/version` or `runs:/id/model`.

    Raises:
      RunError: There is no such model, or it holds no SavedModel.
    """
    try:
        logged = Path(mlflow.artifacts.download_artifacts(address))
    except (MlflowException, OSError) as error:
        raise RunError(f"{address} cannot be loaded: {str(error).splitlines()[0]}") from error
    found = [file.parent for file in logged.rglob("saved_model.pb")]
    if len(found) != 1:
        raise RunError(f"{address} cannot be loaded: it must hold one SavedModel, and it holds {len(found)}")
    return found[0]


def serve(folder: Path, host: str, port: int) -> None:
    """Serves an export until interrupted: `/invocations`, `/ping`, and a page at `/`, behind a `Guard`.

    Args:
      folder: Of the export.
      host: Address to listen on.
      port: TCP port.
    """
    import uvicorn
    from mlflow.pyfunc.scoring_server import init

    from zoo import page

    with tempfile.TemporaryDirectory() as scratch:
        app = init(of_export(folder, Path(scratch)))
        page.mount(app, folder / "model.json")
        who = "only this machine" if host in ("127.0.0.1", "localhost", "::1") else "whoever reaches this machine"
        print(f"serving {folder} on http://{host}:{port}, for {who}; stop with Ctrl-C", file=sys.stderr, flush=True)
        uvicorn.run(Guard(app), host=host, port=port, log_level="warning", limit_concurrency=MOST_AT_ONCE)
