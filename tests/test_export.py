from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import Recorded

import zoo.export
from zoo import catalog, kernels
from zoo.chain import Chain, answer_all, truths
from zoo.check import random_data
from zoo.export import copy_export, export, export_of, save
from zoo.layers.pooling import StepMask
from zoo.proof import Proof, answer_in_fresh_process
from zoo.tasks.classification import Classification
from zoo.tasks.regression import Regression
from zoo.types import Dataset, RunError, Spec, UsageError


def made(**changes: object) -> tuple[Chain, Dataset]:
    """An untrained network for series of pairs, and data for it."""
    keras.utils.set_random_seed(5)
    recipe = dataclasses.replace(catalog.load(catalog.find("adding"), {"units": 4}), **changes)
    dataset = random_data(recipe)
    return Chain(recipe, dataset.input, dataset.target), dataset


def exported(chain: Chain, dataset: Dataset, folder: Path, expected: dict | None = None) -> Proof:
    _, truth = truths(dataset.splits["test"])
    examples = [example["input"] for example in dataset.splits["test"].as_numpy_iterator()]
    expected = expected or answer_all(chain, dataset.splits["test"])
    return export(chain, folder, examples=examples, truth=truth, expected=expected)


def keras_network(features: Spec, target: Spec) -> keras.Model:
    """One LSTM of Keras's own."""
    inputs = keras.Input((None, 2), name="features"), keras.Input((), dtype="int32", name="length")
    last = keras.layers.LSTM(4)(inputs[0], mask=StepMask()(*inputs))
    return keras.Model(inputs, keras.layers.Reshape(())(keras.layers.Dense(1)(last)))


def refused(proof: Proof, folder: Path, fault: str) -> None:
    assert not proof.passed
    assert any(fault in line for line in proof.faults), proof.faults
    assert json.loads(proof.to_json())["passed"] is False
    assert not folder.exists() and list(folder.parent.iterdir()) == []


def test_a_sound_export_is_kept_with_its_proof(tmp_path: Path):
    chain, dataset = made()
    folder = tmp_path / "exports" / "model"
    proof = exported(chain, dataset, folder)
    assert proof.faults == []
    report = json.loads((folder / "proof.json").read_text())
    assert report == {"passed": True, **dataclasses.asdict(proof)}
    assert (report["examples"], report["alone"], report["near_ties"]) == (24, 24, 0)
    assert report["largest_difference"] < 1e-5
    assert report["edge_cases"] == {
        "empty (serving_default)": "answered",
        "shortest (serving_default)": "answered",
        "longest (serving_default)": "answered",
        "wrong number of columns": "refused",
        "lengths of other rows": "refused",
    }
    answers = answer_all(chain, dataset.splits["test"])
    _, truth = truths(dataset.splits["test"])
    assert report["metrics"]["mse"] == pytest.approx(np.mean(np.square(answers["value"] - truth)), rel=1e-5)
    assert report["cudnn"] == "present for GPU" and report["cudnn_functions"] != []
    assert report["tensorflow"] == tf.__version__
    assert json.loads((folder / "model.json").read_text()) == {
        "task": "regression",
        "kind": "series",
        "series": None,
        "input": "pairs: float32[step, column=2]",
        "rate_hz": None,
        "classes": [],
        "signatures": {"serving_default": ["values", "length"]},
    }
    assert [path.name for path in folder.parent.iterdir()] == ["model"]  # nothing half written


def test_an_export_with_other_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    chain, dataset = made()

    def save_another(chain: Chain, directory: Path) -> None:
        weights = chain.network.get_weights()
        chain.network.set_weights([weight + 0.01 for weight in weights])
        save(chain, directory)
        chain.network.set_weights(weights)

    monkeypatch.setattr(zoo.export, "save", save_another)
    folder = tmp_path / "exports" / "model"
    proof = exported(chain, dataset, folder)
    refused(proof, folder, "value in a batch differs by up to")
    assert any(fault.startswith("value alone differs") for fault in proof.faults)
    assert any(fault.startswith("mse is ") for fault in proof.faults)


@dataclasses.dataclass(frozen=True, kw_only=True)
class InThisProcess(Regression):
    """Answers by a Python function, which an export cannot take along."""

    tolerance: float = 0.1

    def answer(self, logits: tf.Tensor, target: Spec) -> dict[str, tf.Tensor]:
        return {"value": tf.ensure_shape(tf.numpy_function(lambda value: value, [logits], tf.float32), [None])}


def test_an_export_that_needs_this_process_is_refused(tmp_path: Path):
    chain, dataset = made(task=InThisProcess())
    folder = tmp_path / "exports" / "model"
    refused(exported(chain, dataset, folder), folder, "requests in a batch got an error: ")


def test_an_export_with_a_cudnn_op_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def save_for_gpu(chain: Chain, directory: Path) -> None:  # as Keras does
        with kernels.pretend_gpu():
            archive = keras.export.ExportArchive()
            archive.track(chain.network)
            for name, signature in zoo.export.signatures(chain.input).items():
                archive.add_endpoint(name, zoo.export.endpoint(chain, signature), list(signature.inputs))
            archive.write_out(str(directory), verbose=False)

    with kernels.pretend_gpu():
        chain, dataset = made(network=keras_network)
    expected = answer_all(chain, dataset.splits["test"])
    monkeypatch.setattr(zoo.export, "save", save_for_gpu)
    folder = tmp_path / "exports" / "model"
    proof = exported(chain, dataset, folder, expected)
    refused(proof, folder, "holds a cuDNN op and would run on a CPU")
    assert proof.cudnn_functions != []


def test_an_export_without_the_cudnn_kernel_is_refused(tmp_path: Path):
    chain, dataset = made(network=keras_network)
    folder = tmp_path / "exports" / "model"
    proof = exported(chain, dataset, folder)
    refused(proof, folder, "the cuDNN implementation is missing for 1 of 1 LSTM layers; take zoo.layers.LSTM")
    assert len(proof.faults) == 1 and proof.cudnn_functions == []


def test_an_export_without_an_lstm_needs_no_cudnn_kernel(tmp_path: Path):
    def rnn(features: Spec, target: Spec) -> keras.Model:
        return zoo.architectures.memory_network(features, target, units=4, cell="gru")

    with kernels.pretend_gpu():
        chain, dataset = made(network=rnn)
    proof = exported(chain, dataset, tmp_path / "exports" / "model")
    assert proof.passed and proof.cudnn == "none needed, there is no LSTM layer"


def test_saving_beside_a_gpu_gives_both_kernels_and_leaves_keras_layers_as_they_were(tmp_path: Path):
    with kernels.pretend_gpu():
        chain, dataset = made(network=keras_network)
        (layer,) = kernels.lstm_layers(chain.network)
        before = layer.use_cudnn
        save(chain, tmp_path / "theirs")
        assert layer.use_cudnn is before
    assert b"CudnnRNN" not in (tmp_path / "theirs" / "saved_model.pb").read_bytes()
    with kernels.pretend_gpu():
        chain, dataset = made()
        proof = exported(chain, dataset, tmp_path / "exports" / "model")
    assert proof.passed and proof.cudnn == "present for GPU"


def test_a_failure_while_saving_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def save_half(chain: Chain, directory: Path) -> None:
        save(chain, directory)
        raise OSError("the disk is full")

    monkeypatch.setattr(zoo.export, "save", save_half)
    chain, dataset = made()
    with pytest.raises(OSError, match="the disk is full"):
        exported(chain, dataset, tmp_path / "exports" / "model")
    assert list((tmp_path / "exports").iterdir()) == []


def test_what_cannot_be_loaded_is_named(tmp_path: Path):
    (tmp_path / "saved_model.pb").write_bytes(b"rubbish")
    with pytest.raises(RunError, match="a fresh process with only TensorFlow ended with 1: "):
        answer_in_fresh_process(tmp_path, [])


def test_an_export_is_copied(standing: Recorded, tmp_path: Path):
    target = copy_export("tiny", tmp_path / "model")
    assert target == tmp_path / "model"
    source = Path(standing.tiny.export)
    files = sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file())
    assert sorted(path.relative_to(target) for path in target.rglob("*") if path.is_file()) == files
    assert all((target / file).read_bytes() == (source / file).read_bytes() for file in files)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_export_is_never_copied_over_something(standing: Recorded, tmp_path: Path):
    with pytest.raises(UsageError, match=f"`{tmp_path}` must not exist yet, and it does. Name another folder"):
        copy_export("tiny", tmp_path)


def test_an_unknown_format_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="`--format` must be one of saved_model, got 'onnx'"):
        copy_export("latest", tmp_path / "model", "onnx")


def test_a_run_without_an_export_is_refused(place: Path):
    with pytest.raises(RunError, match=f"run abc has no proved export in {place}/mlruns/exports/abc"):
        export_of("abc")


def test_an_export_whose_proof_failed_is_refused(place: Path):
    folder = place / "mlruns" / "exports" / "abc"
    folder.mkdir(parents=True)
    (folder / "proof.json").write_text('{"passed": false}')
    with pytest.raises(RunError, match=f"the export in {folder} has a proof that failed"):
        export_of("abc")


def test_classes_and_rate_are_told_to_clients():
    recipe = catalog.load(catalog.find("spoken_digits"), {"units": 4, "layers": 1, "heads": 1})
    target = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no", "yes"))
    about = zoo.export.description(Chain(dataclasses.replace(recipe, task=Classification()), recipe.input, target))
    assert about == {
        "task": "classification",
        "kind": "audio",
        "input": "audio: float32[sample] at 8000 Hz",
        "rate_hz": 8000,
        "series": None,
        "classes": ["no", "yes"],
        "signatures": {"serving_default": ["audio"], "samples": ["samples", "length"]},
    }
