"""SavedModels that take raw input and give answers, kept only where their proof passes."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.chain import Chain
from zoo.datasets import windows
from zoo.kernels import only_answers
from zoo.proof import Proof, prove
from zoo.signatures import Signature, signatures
from zoo.streaming import Stream, obstacle
from zoo.types import Answers, RunError, Spec, UsageError

FORMATS = ("saved_model",)


def save(chain: Chain, directory: Path) -> None:
    """Writes the composed function as a SavedModel with the signatures of its kind of input.

    Args:
      chain: From raw input to answers. Its LSTM layers are traced for both devices, so that the export runs anywhere.
      directory: Where to write; must not exist.
    """
    archive = keras.export.ExportArchive()
    for layer in chain.layers:
        archive.track(layer)
    answers = chain.traced()  # once for all signatures
    with only_answers(chain.network):
        for name, signature in signatures(chain.input).items():
            archive.add_endpoint(name, endpoint(answers, signature), input_signature=list(signature.inputs))
        if not obstacle(chain):
            stream = Stream(chain)
            archive.add_endpoint("stream", lambda *inputs: stream(*inputs), input_signature=stream.signature)
        archive.write_out(str(directory), verbose=False)
    (directory / "model.json").write_text(json.dumps(description(chain), indent=2) + "\n")


def description(chain: Chain) -> dict[str, Any]:
    """What a client has to know of an export, its `model.json`: kind, rate, classes, series, and how it streams."""
    return {
        "task": chain.task.name,
        "kind": chain.input.kind,
        "input": str(chain.input),
        "rate_hz": chain.input.rate_hz,
        "series": _series(chain.input) if chain.input.series else None,
        "classes": list(chain.target.classes) if chain.target.kind == "label" else [],
        "signatures": {name: [spec.name for spec in made.inputs] for name, made in signatures(chain.input).items()},
        **_streaming(chain),
    }


def _streaming(chain: Chain) -> dict[str, Any]:
    """How a transcriber of speech answers while it listens, or why it does not."""
    if chain.task.name != "transcription" or chain.input.kind != "audio":
        return {}
    reason = obstacle(chain)
    return {"no_stream": reason} if reason else {"stream": Stream(chain).description()}


def _series(input: Spec) -> dict[str, Any]:
    return {"look_back": windows.look_back(input), **dataclasses.asdict(input.series)}


def endpoint(
    answers: Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]], signature: Signature
) -> Callable[..., dict[str, tf.Tensor]]:
    """The function of one signature: inputs -> raw -> answers, the latter by a function of (values, length)."""

    def answer(*inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        values, length = signature.to_raw(*inputs)
        rows, lengths = tf.shape(values)[0], tf.shape(length)[0]
        message = ["`length` must have one number for each row: got", lengths, "for", rows, "rows"]
        with tf.control_dependencies([tf.debugging.Assert(tf.equal(rows, lengths), message)]):
            return answers(tf.identity(values), length)

    return answer


def export(chain: Chain, directory: Path, *, examples: list[np.ndarray], truth: np.ndarray, expected: Answers) -> Proof:
    """Exports a model, proves the export and keeps it only if the proof passes; nothing half written is left.

    Args:
      chain: From raw input to answers.
      directory: Where the export goes, with `proof.json` in it.
      examples: Raw test examples, [step, ...] each.
      truth: Their targets.
      expected: The chain's answers to them, on the CPU.

    Returns:
      The proof, passed or not; where it failed, `directory` does not exist.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".partial-", dir=directory.parent))
    try:
        made = scratch / "saved_model"
        save(chain, made)
        proof = prove(chain, made, examples=examples, truth=truth, expected=expected)
        if proof.passed:
            (made / "proof.json").write_text(proof.to_json())
            made.replace(directory)
        return proof
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def copy_export(run: str, directory: str | Path, format: str = "saved_model") -> Path:
    """Copies the proved export of a run to a folder of the user's choice.

    Args:
      run: Run id, unique prefix, name, "latest" or a recipe's name.
      directory: Must not exist.
      format: "saved_model".

    Returns:
      The folder.

    Raises:
      UsageError: The folder exists, or the format is unknown.
      RunError: The run has no export.
    """
    from zoo import tracking

    target = Path(directory)
    if format not in FORMATS:
        raise UsageError(f"`--format` must be one of {', '.join(FORMATS)}, got {format!r}.")
    if target.exists():
        raise UsageError(f"`{target}` must not exist yet, and it does. Name another folder or remove it.")
    source = export_of(tracking.find(run))
    scratch = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.resolve().parent))
    try:
        shutil.copytree(source, scratch / "export")
        (scratch / "export").replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def export_of(run_id: str) -> Path:
    """The folder of a run's proved export.

    Raises:
      RunError: There is none, or its proof is missing.
    """
    from zoo import tracking

    folder = tracking.folder() / "exports" / run_id
    if not (folder / "proof.json").exists():
        raise RunError(
            f"run {run_id} has no proved export in {folder}. Was it finished, in this folder? See `zoo runs`."
        )
    if not json.loads((folder / "proof.json").read_text())["passed"]:
        raise RunError(f"the export in {folder} has a proof that failed. Run the recipe again.")
    return folder
