"""Training on several devices of one machine: with the results of one, and refused in a line where it cannot be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_resume import curves, of
from test_resume_processes import begun

import zoo
from zoo import architectures, kept, tracking
from zoo.cli import main
from zoo.distributed import devices
from zoo.distributed.replicas import Cluster
from zoo.request import Request
from zoo.tasks.translation import Translation
from zoo.types import Spec, UsageError

SCRIPT = Path(__file__).parent / "on_devices.py"
WEIGHTS, METRICS = 1e-5, 1e-5  # sums come in another order; seen were 3e-7 and 4e-7


def beside_one(case: str, count: int) -> dict[str, Any]:
    """Results of `on_devices.py`: how far several devices are from one."""
    done = subprocess.run([sys.executable, SCRIPT, case, str(count)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])[case]


def test_three_devices_learn_what_one_does_where_the_last_batch_has_one_example():
    # with class weights, clipped gradients, weight decay and averaged weights; two devices have nothing to do at last
    found = beside_one("classes", 3)
    assert found["epochs"] == 3
    assert found["names"] == ["train_accuracy", "train_loss", "val_accuracy", "val_loss"]
    assert found["weights"] < WEIGHTS and found["metrics"] < METRICS


@pytest.mark.slow
@pytest.mark.parametrize("case", ["number", "steps"])  # Keras's loss and metric of float32[batch]; masked steps
def test_keras_own_losses_metrics_and_masks_are_shared_out_too(case: str):
    found = beside_one(case, 3)
    assert found["weights"] < WEIGHTS and found["metrics"] < METRICS


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["spoken_digits", "an4", "ett", "multi30k", "adding"])
def test_recipes_of_every_task_learn_on_two_devices_what_they_learn_on_one(recipe: str):
    found = beside_one(recipe, 2)
    assert found["epochs"] == 3 and len(found["names"]) >= 4
    assert found["weights"] < WEIGHTS and found["metrics"] < METRICS


TINY = ["adding", "--sample", "--seed", "3", "--limit", "61"]
TINY += ["length=20", "sequences=200", "units=4", "epochs=12", "batch_size=8"]


def learnt(name: str) -> tuple[list[np.ndarray], dict[str, list[tuple[int, float]]]]:
    """Weights and curves of a run."""
    run_id = tracking.find(name)
    assert of(run_id).info.status == "FINISHED"
    return kept.chain(run_id).network.get_weights(), curves(run_id)


def same(name: str, other: str) -> None:
    """Makes sure that two runs have learnt the same, within the error of floats."""
    (one, mine), (two, its) = learnt(name), learnt(other)
    assert max(np.abs(this - that).max() for this, that in zip(one, two, strict=True)) < WEIGHTS
    assert mine.keys() == its.keys()
    for metric in mine.keys() - {"weights"}:
        steps, values = zip(*mine[metric], strict=True)
        assert (steps, values) == (steps, pytest.approx([value for _, value in its[metric]], rel=1e-4, abs=1e-5))


@pytest.mark.slow
def test_a_run_on_two_devices_is_stopped_resumed_and_ends_as_one_on_one(place: Path):
    with begun(place, ["run", *TINY, "--devices", "2", "--name", "two"], "epoch 3/") as running:
        running.send_signal(signal.SIGTERM)
        running.communicate()
    assert running.returncode == 143
    run_id = tracking.find("two")
    assert of(run_id).info.status == "KILLED" and Request.kept(tracking.run_folder(run_id)).devices == 2
    for arguments in (["resume", "two"], ["run", *TINY, "--name", "one"]):
        done = subprocess.run([sys.executable, "-m", "zoo", *arguments], cwd=place, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert of(run_id).data.params["devices"] == "2"
    same("two", "one")


def test_more_gpus_than_there_are_is_a_wrong_call(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    gpus = [tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: gpus)
    assert main(["run", *TINY, "--devices", "2"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "error: `--devices` must be at most 1, the GPUs that TensorFlow sees here, got 2."
    assert tracking.runs() == []


def test_devices_cannot_be_had_once_tensorflow_has_started(place: Path):
    tf.zeros([])
    with pytest.raises(UsageError, match="`devices` must be asked for before TensorFlow starts, got 2 in a process"):
        zoo.run("adding", sample=True, devices=2, progress="silent")
    with pytest.raises(UsageError, match="`--devices` must be at least 1, got 0"):
        zoo.run("adding", sample=True, devices=0, progress="silent")


def config(kind: str, index: int, **cluster: list[str]) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", None),
        (config("worker", 0, worker=["a:1"]), None),
        (config("worker", 1, worker=["a:1", "b:1"]), Cluster(("a:1", "b:1"), 1)),
        (config("worker", 0, chief=["a:1"], worker=["b:1"]), Cluster(("a:1", "b:1"), 1)),
        (config("chief", 0, chief=["a:1"], worker=["b:1"]), Cluster(("a:1", "b:1"), 0)),
    ],
)
def test_workers_are_read_from_tf_config(monkeypatch: pytest.MonkeyPatch, text: str, found: Cluster | None):
    monkeypatch.setitem(os.environ, "TF_CONFIG", text)
    assert devices.cluster() == found


def test_an_empty_tf_config_is_as_none_to_tensorflow_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(os.environ, "TF_CONFIG", " ")
    assert devices.cluster() is None
    assert "TF_CONFIG" not in os.environ
    assert not tf.distribute.cluster_resolver.TFConfigClusterResolver().cluster_spec().as_dict()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "`TF_CONFIG` must be JSON with `cluster` and `task`, got '{'"),
        ("[1, 2]", "`TF_CONFIG` must be JSON with `cluster` and `task`"),
        (config("worker", 2, worker=["a:1", "b:1"]), "got task worker 2 of 2 worker"),
        (config("ps", 0, worker=["a:1", "b:1"], ps=["c:1"]), "got task ps 0 of 2 worker, 1 ps"),
    ],
)
def test_another_tf_config_is_a_wrong_call(monkeypatch: pytest.MonkeyPatch, text: str, reason: str):
    monkeypatch.setitem(os.environ, "TF_CONFIG", text)
    with pytest.raises(UsageError) as caught:
        devices.start()
    assert reason in str(caught.value)


def test_devices_and_workers_exclude_each_other(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(os.environ, "TF_CONFIG", config("worker", 1, worker=["a:1", "b:1"]))
    with pytest.raises(UsageError, match="`--devices` is for one machine, got 2 with `TF_CONFIG`"):
        devices.start(2)


def test_what_a_loss_is_the_mean_of_is_counted():
    target = tf.constant([[1, 5, 2, -1], [1, 4, 6, 2]])
    logits = tf.random.stateless_normal([2, 3, 8], [0, 1])
    task = Translation()
    assert float(task.averaged_over((), target)) == 2 + 3
    whole = float(tf.reduce_mean(task.loss()(target, logits)))
    parts = [float(tf.reduce_mean(task.loss()(target[row : row + 1], logits[row : row + 1]))) for row in (0, 1)]
    assert whole == pytest.approx((2 * parts[0] + 3 * parts[1]) / 5, rel=1e-6)

    words = Spec(name="text", kind="text", shape=(None, 1), dtype="int32", axes=("word", "piece"), classes=("a", "b"))
    label = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no", "yes"))
    keras.utils.set_random_seed(0)
    network = architectures.text_classifier(words, label, buckets=0, embedding=4, units=2)
    model = architectures.language_model(network)
    assert int(model.averaged_over([None, tf.constant([4, 0, 1])], None)) == 3
