from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import mlflow
import numpy as np
import pytest
import tensorflow as tf
from conftest import SETTINGS, Recorded
from mlflow.artifacts import download_artifacts, list_artifacts
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

import zoo
import zoo.export
from zoo import catalog, runs, tracking
from zoo.types import UsageError

TINY = {"limit": 32, "progress": "silent", **SETTINGS}


def of(run_id: str) -> Run:
    return tracking.open_store().get_run(run_id)


def test_settings_and_choices_are_params(standing: Recorded):
    expected = {**catalog.defaults(catalog.find("adding")), **SETTINGS, "seed": 3, "limit": 64}
    assert of(standing.tiny.run_id).data.params == {name: str(value) for name, value in expected.items()}


def test_metrics_of_each_epoch_have_its_number(standing: Recorded):
    client = tracking.open_store()
    for split in ("train", "val"):
        for name in ("loss", "mae", "wrong"):
            history = client.get_metric_history(standing.tiny.run_id, f"{split}_{name}")
            assert [point.step for point in history] == [1, 2]


def test_test_baseline_and_difference_are_recorded_and_returned(standing: Recorded):
    metrics, tiny = of(standing.tiny.run_id).data.metrics, standing.tiny
    for name in ("mse", "mae", "wrong", "loss"):
        assert metrics[f"test_{name}"] == pytest.approx(tiny.metrics[f"test_{name}"])
        assert metrics[f"baseline_{name}"] == pytest.approx(tiny.baseline[f"baseline_{name}"])
    difference = metrics["difference_mse"]
    assert difference == pytest.approx(metrics["test_mse"] - metrics["baseline_mse"], abs=1e-6)
    assert metrics["difference_mse_low"] <= difference <= metrics["difference_mse_high"]
    # the baseline answers the mean of the train targets
    dataset = runs.load_data(catalog.load(catalog.find("adding"), SETTINGS), sample=True, seed=3, limit=64)
    truth = {split: zoo.chain.truths(dataset.splits[split])[1] for split in ("train", "test")}
    expected = np.mean(np.square(truth["test"] - truth["train"].mean()))
    assert metrics["baseline_mse"] == pytest.approx(expected, rel=1e-5)
    assert metrics["kept_epoch"] in (1, 2)
    assert metrics["kept_val_loss"] == pytest.approx(tiny.metrics["val_loss"])


def test_the_exported_model_gives_the_recorded_test_metrics(standing: Recorded):
    dataset = runs.load_data(catalog.load(catalog.find("adding"), SETTINGS), sample=True, seed=3, limit=64)
    _, truth = zoo.chain.truths(dataset.splits["test"])
    call = tf.saved_model.load(standing.tiny.export).signatures["serving_default"]
    value = np.array(
        [
            call(values=example["input"][None], length=tf.constant([len(example["input"])]))["value"][0]
            for example in dataset.splits["test"].as_numpy_iterator()
        ]
    )
    assert np.mean(np.square(value - truth)) == pytest.approx(standing.tiny.metrics["test_mse"], rel=1e-5)


def test_data_is_recorded_as_input(standing: Recorded):
    (each,) = of(standing.tiny.run_id).inputs.dataset_inputs
    assert {tag.key: tag.value for tag in each.tags} == {
        "mlflow.data.context": "train, val, test",
        "train_examples": "64",
        "val_examples": "20",
        "test_examples": "64",
        "licence": "none needed, generated",
    }
    assert each.dataset.name == "adding problem"
    assert each.dataset.digest.endswith("-64")
    about = json.loads(each.dataset.source)["tags"]
    assert about["version"] == "1997" and about["citation"].startswith("Hochreiter, S. and Schmidhuber, J. (1997)")


def test_tags_say_where_the_run_comes_from(standing: Recorded):
    tags = of(standing.tiny.run_id).data.tags
    assert tags["data"] == standing.tiny.data == "sample"
    assert of(standing.whole.run_id).data.tags["data"] == standing.whole.data == "generated"
    assert tags["recipe"] == "adding" == standing.tiny.recipe
    assert tags["mlflow.runName"] == "tiny" == standing.tiny.name
    assert tags["command"] == "zoo.run in Python"
    assert tags["kernels"] == "lstm cpu: no GPU is visible to TensorFlow"
    assert standing.tiny.kernels == {"lstm": "cpu: no GPU is visible to TensorFlow"}
    assert tags["proof"] == "passed" == standing.tiny.proof
    assert tags["export"] == standing.tiny.export == str(standing.folder / "mlruns" / "exports" / standing.tiny.run_id)
    assert "CPU core" in tags["hardware"] and "GiB" in tags["hardware"]
    assert of(standing.tiny.run_id).info.status == "FINISHED"


def files(run_id: str) -> set[str]:
    def walk(path: str | None) -> set[str]:
        found = set()
        for each in list_artifacts(run_id=run_id, artifact_path=path):
            found |= walk(each.path) if each.is_dir else {each.path}
        return found

    tracking.open_store()
    return walk(None)


def test_what_an_answer_costs_is_recorded(standing: Recorded):
    metrics = tracking.open_store().get_run(standing.tiny.run_id).data.metrics
    assert metrics["weights"] == 4 * (4 * (2 + 4) + 4) + (4 + 1)  # of an LSTM with four cells and a number out
    assert 0 < metrics["latency_ms"] < 10_000


def test_artifacts(standing: Recorded):
    common = {"environment.json", "model_card.md", "pictures/learning_curve.png", "proof.json", "recipe/adding.py"}
    assert files(standing.tiny.run_id) == common | {
        "pictures/answer_against_truth.png",
        "test_examples.json",
        "test_scores.csv",
    }
    assert files(standing.whole.run_id) == common


def artifact(run_id: str, name: str) -> str:
    tracking.open_store()
    return Path(download_artifacts(run_id=run_id, artifact_path=name)).read_text()


def test_recipe_versions_and_proof_are_kept(standing: Recorded):
    run_id = standing.tiny.run_id
    assert artifact(run_id, "recipe/adding.py") == catalog.find("adding").read_text()
    assert json.loads(artifact(run_id, "environment.json"))["tensorflow"] == tf.__version__
    assert artifact(run_id, "proof.json") == (Path(standing.tiny.export) / "proof.json").read_text()
    assert json.loads(artifact(run_id, "proof.json"))["passed"] is True


def test_table_has_the_worst_example_first(standing: Recorded):
    table = json.loads(artifact(standing.tiny.run_id, "test_examples.json"))
    assert table["columns"] == ["id", "truth", "value", "badness"]
    badness = [row[3] for row in table["data"]]
    assert len(badness) == 64 and badness == sorted(badness, reverse=True)
    assert {row[0] for row in table["data"]} == {f"test-{2560 // 64 * number}" for number in range(64)}


def test_model_card(standing: Recorded):
    card = artifact(standing.tiny.run_id, "model_card.md")
    assert of(standing.tiny.run_id).data.tags["mlflow.note.content"].strip() == card.strip()
    summary = catalog.header(catalog.find("adding")).summary
    assert card.startswith("### adding\n") and summary in card
    assert "**Trained on a sample: these figures say nothing about real data.**" in card
    value, baseline = standing.tiny.metrics["test_mse"], standing.tiny.baseline["baseline_mse"]
    assert f"| test_mse | {value:.4f} | {baseline:.4f} |" in card
    assert f"zoo predict {standing.tiny.run_id} FILE" in card
    assert "Trained on a sample" not in artifact(standing.whole.run_id, "model_card.md")


def test_logged_model_has_signature_and_input_example(standing: Recorded):
    tracking.open_store()
    model = mlflow.pyfunc.load_model(f"runs:/{standing.tiny.run_id}/model")
    inputs = model.metadata.get_input_schema().input_dict()
    assert inputs["values"].shape == (-1, -1, 2) and inputs["length"].shape == (-1,)
    example = model.input_example
    assert np.asarray(example["values"]).shape[2] == 2
    direct = tf.saved_model.load(standing.tiny.export).signatures["serving_default"]
    expected = direct(values=np.float32(example["values"]), length=np.int32(example["length"]))["value"]
    answer = model.predict({name: np.asarray(value) for name, value in example.items()})
    np.testing.assert_allclose(answer["value"], expected, rtol=1e-6)
    assert [path.name for path in standing.folder.rglob("*.pkl")] == []  # models from code


def test_only_models_of_whole_data_are_registered(standing: Recorded):
    versions = tracking.open_store().search_model_versions("name='adding'")
    assert [version.run_id for version in versions] == [standing.whole.run_id]


def test_a_run_without_test_has_no_test_metric(standing: Recorded):
    names = set(of(standing.whole.run_id).data.metrics) | set(standing.whole.metrics)
    assert not [name for name in names if name.startswith(("test_", "baseline_", "difference_"))]
    assert standing.whole.baseline == {}
    assert "val_loss" in standing.whole.metrics
    assert standing.whole.proof == "passed"


def test_same_seed_gives_the_same_training_and_weights(standing: Recorded):
    one, two = (of(each.run_id).data.metrics for each in (standing.tiny, standing.whole))
    names = [name for name in two if name.startswith(("train_", "val_", "kept_"))]
    assert len(names) > 6
    assert {name: one[name] for name in names} == {name: two[name] for name in names}
    first, second = (
        tf.train.load_checkpoint(f"{each.export}/variables/variables") for each in (standing.tiny, standing.whole)
    )
    names = [name for name in first.get_variable_to_shape_map() if name.startswith("variables/")]
    assert len(names) >= 5  # three of the LSTM, two of the last layer
    for name in names:
        np.testing.assert_array_equal(first.get_tensor(name), second.get_tensor(name))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample": True, "data": "here"}, "`--sample` and `--data` exclude each other, got both"),
        ({"limit": 0}, "`--limit` must be at least 1 example, got 0"),
        ({"unit": 3}, "there is no setting 'unit', the nearest is 'units'"),
        ({"length": 5}, "`length` must be at least 20 steps, got 5"),
        ({"require_cudnn": True}, "`--require-cudnn` needs a GPU"),
    ],
)
def test_wrong_use_leaves_no_run_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict, message: str):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        zoo.run("adding", progress="silent", **options)
    assert list(tmp_path.iterdir()) == []


def test_data_that_does_not_fit_the_recipe_is_refused(tmp_path: Path):
    file = tmp_path / "recipe.py"
    text = catalog.find("adding").read_text()
    file.write_text(
        text.replace("input=zoo.datasets.adding.INPUT", "input=SPEC").replace(
            "import zoo\n",
            "import zoo\n\nSPEC = zoo.Spec(name='ink', kind='ink', shape=(None, 3), dtype='float32', "
            "axes=('point', 'column'))\n",
        )
    )
    message = (
        r"the data must give ink: float32\[point, column=3\], and adding problem gives pairs: float32\[step, column=2\]"
    )
    with pytest.raises(UsageError, match=message):
        runs.load_data(catalog.load(file, {}), sample=True)


def test_limit_cuts_every_split_and_changes_the_fingerprint():
    recipe = catalog.load(catalog.find("adding"), SETTINGS)
    whole, cut = (runs.load_data(recipe, sample=True, limit=limit) for limit in (None, 30))
    assert cut.sizes == {"train": 30, "val": 20, "test": 30}
    for split, examples in cut.splits.items():
        rows = list(examples.as_numpy_iterator())
        assert len(rows) == cut.sizes[split]
        every = [row["id"] for row in whole.splits[split].as_numpy_iterator()]
        kept = np.array([every.index(row["id"]) for row in rows])
        gaps = np.diff(kept)
        assert kept[0] == 0 and set(gaps) <= {len(every) // len(rows), -(-len(every) // len(rows))}
    assert cut.fingerprint == f"{whole.fingerprint}-30"


def test_limit_cuts_what_windows_are_set_beside_along_with_them():
    recipe = catalog.load(catalog.find("ett"), {"look_back": 60, "horizon": 8})
    whole, cut = (runs.load_data(recipe, sample=True, limit=limit) for limit in (None, 7))
    assert len(cut.references["test"]["seasonal_error"]) == cut.sizes["test"] == 7
    ids = {
        name: [row["id"] for row in dataset.splits["test"].as_numpy_iterator()]
        for name, dataset in (("whole", whole), ("cut", cut))
    }
    marked = dataclasses.replace(whole, references={"test": {"place": np.arange(whole.sizes["test"])}})
    recipe = dataclasses.replace(recipe, sample=lambda source: marked)
    places = runs.load_data(recipe, sample=True, limit=7).references["test"]["place"]
    assert [ids["whole"][place] for place in places] == ids["cut"]


def test_limit_takes_examples_of_every_class():
    recipe = catalog.load(catalog.find("spoken_digits"), {})
    whole = runs.load_data(recipe, sample=True)
    limit = whole.sizes["train"] * 2 // 3
    cut = runs.load_data(recipe, sample=True, limit=limit)
    assert int(cut.splits["train"].cardinality()) == limit
    classes = np.bincount([row["target"] for row in cut.splits["train"].as_numpy_iterator()])
    assert len(classes) == len(whole.target.classes) and classes.min() > 0


def test_data_describes_what_a_run_would_use():
    about = runs.data("adding", sample=True, limit=50, **SETTINGS)
    assert (about["name"], about["origin"], about["input"]) == (
        "adding problem",
        "sample",
        "pairs: float32[step, column=2]",
    )
    assert {split: row["examples"] for split, row in about["splits"].items()} == {"train": 50, "val": 20, "test": 50}
    assert all(20 <= row["shortest"] <= row["median"] <= row["longest"] <= 22 for row in about["splits"].values())
    words = runs.data("spoken_digits", sample=True)
    classes = words["splits"]["train"]["classes"]
    assert len(classes) > 1 and sum(classes.values()) == words["splits"]["train"]["examples"]


@pytest.mark.slow
def test_same_seed_gives_the_same_test_metrics(standing: Recorded, place: Path):
    again = zoo.run("adding", sample=True, seed=3, progress="silent", limit=64, **SETTINGS)
    assert again.metrics == standing.tiny.metrics
    other = zoo.run("adding", sample=True, seed=4, progress="silent", limit=64, **SETTINGS)
    assert other.metrics["test_mse"] != again.metrics["test_mse"]
    assert MlflowClient().get_run(other.run_id).data.params["seed"] == "4"
