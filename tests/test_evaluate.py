from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import sacrebleu
import tensorflow as tf

from zoo.datasets.windows import Table, as_dataset, history
from zoo.evaluate import MOST_BASELINE, TABLE_ROWS, evaluate
from zoo.features import prepare
from zoo.groups import by_group
from zoo.tasks.classification import Classification
from zoo.tasks.forecasting import Forecasting
from zoo.tasks.regression import Regression
from zoo.tasks.translation import Translation
from zoo.types import Dataset, Spec

STEPS = Spec(name="steps", kind="series", shape=(None, 1), dtype="float32", axes=("step", "column"))
SUM = Spec(name="sum", kind="value", shape=(), dtype="float32", axes=())


def examples(truth: list[float]) -> tf.data.Dataset:
    columns = {
        "id": [f"example {number}" for number in range(len(truth))],
        "input": np.ones((len(truth), 2, 1), np.float32),
        "target": np.array(truth, np.float32),
    }
    return tf.data.Dataset.from_tensor_slices(columns)


def prepared(truth: list[float]) -> tf.data.Dataset:
    return examples(truth).map(
        lambda example: {
            "id": example["id"],
            "features": example["input"],
            "splits": tf.constant([0, 2], tf.int64),
            "target": example["target"],
        }
    )


def dataset(**splits: list[float]) -> Dataset:
    return Dataset(
        name="ones",
        version="",
        origin="generated",
        input=STEPS,
        target=SUM,
        fingerprint="",
        citation="",
        licence="",
        splits={name: examples(truth) for name, truth in splits.items()},
        sizes={name: len(truth) for name, truth in splits.items()},
    )


def evaluated(split: str, truth: list[float], value: list[float], **about: object):
    train = [0.0, 2.0]  # so that the baseline answers 1
    data = dataclasses.replace(dataset(train=train, **{split: truth}), **about)
    features = {"train": prepared(train), split: prepared(truth)}
    return evaluate(Regression(tolerance=0.1), data, split, features, {"value": np.array(value, np.float32)})


def test_model_and_baseline_are_scored_on_the_same_examples():
    found = evaluated("test", [0.0, 3.0], [0.0, 2.0])
    assert found.metrics == {"test_mse": 0.5, "test_mae": 0.5, "test_wrong": 0.5, "test_loss": 0.5}
    assert found.baseline["baseline_mse"] == 2.5
    assert set(found.baseline) == {"baseline_mse", "baseline_mae", "baseline_wrong", "baseline_loss"}


def test_difference_is_model_minus_baseline():
    found = evaluated("test", [0.0, 3.0], [0.0, 2.0])
    assert found.difference["difference_mse"] == -2.0  # squared errors: 0 and 1 against 1 and 4
    assert found.difference["difference_mse_low"] == -3.0
    assert found.difference["difference_mse_high"] == -1.0


def test_metrics_of_one_test_split_of_several_carry_its_name():
    found = evaluated("test_noisy", [0.0, 3.0], [0.0, 2.0])
    assert found.metrics["test_noisy_mse"] == 0.5
    assert found.baseline["baseline_noisy_mse"] == 2.5
    assert set(found.difference) == {
        "difference_noisy_mse",
        "difference_noisy_mse_low",
        "difference_noisy_mse_high",
    }


def test_table_has_the_worst_examples_first():
    found = evaluated("test", [0.0, 3.0, 1.0], [0.5, 1.0, 1.0])
    assert found.table == {
        "id": ["example 1", "example 0", "example 2"],
        "truth": [3.0, 0.0, 1.0],
        "value": [1.0, 0.5, 1.0],
        "badness": [2.0, 0.5, 0.0],
    }


def test_table_is_cut():
    truth = np.linspace(0, 1, TABLE_ROWS + 10).tolist()
    found = evaluated("test", truth, [0.0] * len(truth))
    assert {len(column) for column in found.table.values()} == {TABLE_ROWS}
    assert found.table["id"][0] == f"example {TABLE_ROWS + 9}"


def test_pictures_are_the_tasks():
    assert set(evaluated("test", [0.0, 3.0], [0.0, 2.0]).pictures) == {"answer_against_truth"}


def test_groups_are_scored_and_drawn_worst_first():
    of = {"example 0": "ann", "example 1": "bob", "example 2": "", "example 3": "ann"}
    grouped = {"grouped_by": "speaker", "group_of": of.__getitem__}
    found = evaluated("test", [0.0, 3.0, 7.0, 1.0], [0.0, 2.0, 0.0, 1.5], **grouped)
    assert found.groups.to_dict("list") == {"group": ["bob", "ann"], "examples": [1, 2], "mse": [1.0, 0.125]}
    axes = found.pictures["by_speaker"].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["bob (1)", "ann (2)"]
    assert [bar.get_width() for bar in axes.patches] == [1.0, 0.125]
    assert axes.get_title() == "mse by speaker, 2 speakers"


def test_groups_that_are_right_less_often_come_first():
    label = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no", "yes"))
    scores = np.array([[0.6, 0.4], [0.6, 0.4], [0.1, 0.9], [0.9, 0.1]], np.float32)
    truth, groups = np.array([0, 0, 1, 1]), ["right", "right", "half", "half"]
    badness = Classification().describe({"scores": scores}, truth, label)["badness"]
    found = by_group(Classification(), {"scores": scores}, truth, label, groups, badness)
    assert found.to_dict("list") == {"group": ["half", "right"], "examples": [2, 2], "accuracy": [0.5, 1.0]}


def test_where_no_example_has_a_group_there_is_no_picture():
    found = evaluated("test", [0.0, 3.0], [0.0, 2.0], grouped_by="speaker", group_of=lambda id: "")
    assert found.groups.empty and set(found.pictures) == {"answer_against_truth"}


def test_the_picture_has_the_worst_groups_of_many():
    of = {f"example {number}": f"speaker {number}" for number in range(45)}
    grouped = {"grouped_by": "speaker", "group_of": of.__getitem__}
    found = evaluated("test", [float(number) for number in range(45)], [0.0] * 45, **grouped)
    assert len(found.groups) == 45
    axes = found.pictures["by_speaker"].axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["speaker 44 (1)", "speaker 43 (1)"]
    assert axes.get_title() == "mse by speaker, the worst 40 of 45 speakers"


def forecast_data(steps: int = 120, ahead: int = 4) -> Dataset:
    values = 10 + np.sin(np.arange(steps))[:, None] + np.random.default_rng(0).normal(0, 0.3, (steps, 2))
    table = Table(times=tuple(map(str, range(steps))), names=("a", "b"), values=values, season=3)
    about = {"name": "n", "version": "", "origin": "generated", "citation": "", "licence": ""}
    cut = (steps - 40, steps - 20, steps)
    return as_dataset([table], [cut], history(6, ahead), standardise=True, **about)


def evaluated_forecasts(data: Dataset, error: float):
    chain, recipe = SimpleNamespace(frontend=None, labels=None), None
    features = {split: prepare(recipe, chain, data, split) for split in ("train", "test")}
    truth = np.stack([example["target"] for example in data.splits["test"].as_numpy_iterator()])
    forecast = (truth + error) * data.target.series.scale + data.target.series.center
    return evaluate(Forecasting(), data, "test", features, {"forecast": forecast.astype(np.float32)})


def test_forecasts_are_scored_beside_the_linear_and_the_naive_ones():
    found = evaluated_forecasts(forecast_data(), 0.5)
    assert found.metrics["test_mse"] == pytest.approx(0.25, rel=1e-4)
    assert set(found.metrics) == {f"test_{name}" for name in ("mse", "mae", "smape", "loss", "mase")}
    others = ("baseline", "last_value", "seasonal_naive")
    assert set(found.baseline) == {f"{o}_{name}" for o in others for name in ("mse", "mae", "smape", "loss", "mase")}
    difference = found.metrics["test_mse"] - found.baseline["baseline_mse"]
    assert found.difference["difference_mse"] == pytest.approx(difference)
    assert found.difference["difference_mse_low"] < difference < found.difference["difference_mse_high"]
    assert found.table["worst_series"] and found.table["id"]


def test_windows_that_all_overlap_have_no_interval():
    found = evaluated_forecasts(forecast_data(ahead=12), 0.5)  # nine windows, each twelve steps long
    assert set(found.difference) == {"difference_mse"}


def test_the_baseline_sees_at_most_so_many_windows_evenly_apart(monkeypatch):
    data, seen = forecast_data(), []
    monkeypatch.setattr("zoo.evaluate.MOST_BASELINE", 20)
    monkeypatch.setattr(
        Forecasting, "baseline", lambda self, train, test, target: seen.append(train) or {"forecast": np.stack(
            [window[:4] for window in test])},
    )  # fmt: skip
    evaluated_forecasts(data, 0.0)
    inputs, truth = seen[0]
    train = list(data.splits["train"].as_numpy_iterator())
    assert len(train) == 71 and MOST_BASELINE == 20_000
    np.testing.assert_array_equal(inputs, [example["input"] for example in train[::4]])
    np.testing.assert_array_equal(truth, [example["target"] for example in train[::4]])


def test_a_translation_is_compared_with_word_by_word_and_the_copied_source():
    pairs = [("one dog", "ein Hund"), ("one cat", "eine Katze"), ("the dog", "der Hund"), ("42", "42")]
    columns = {
        "id": [f"pair {number}" for number in range(len(pairs))],
        "input": [source for source, _ in pairs],
        "target": [target for _, target in pairs],
    }
    spoken = tf.data.Dataset.from_tensor_slices(columns)
    text, target = (Spec(name=name, kind="text", shape=(), dtype="string", axes=()) for name in ("text", "translation"))
    data = dataclasses.replace(
        dataset(), input=text, target=target, splits={"train": spoken, "test": spoken}, sizes={"train": 4, "test": 4}
    )
    answers = {"translation": np.array([b"ein hund", b"eine Katze", b"der Hund", b"42"], object)}
    found = evaluate(Translation(), data, "test", {}, answers)
    assert found.metrics["test_exact"] == 1.0  # case does not count
    assert found.metrics["test_bleu"] == pytest.approx(sacrebleu_of(answers["translation"], columns["target"]))
    assert found.baseline["copied_exact"] == 0.25
    assert 0.25 <= found.baseline["baseline_exact"] <= 1.0
    assert found.table["text"] == columns["input"]
    assert "case:lc" in found.notes["bleu_signature"] and "tok:13a" in found.notes["bleu_signature"]


def sacrebleu_of(answers: np.ndarray, references: list[str]) -> float:
    return sacrebleu.corpus_bleu([answer.decode() for answer in answers], [references], lowercase=True).score


def test_the_baseline_of_texts_reads_them_raw():
    texts = tf.data.Dataset.from_tensor_slices(
        {
            "id": ["a", "b", "c", "d"],
            "input": ["good", "very good", "bad", "very bad"],
            "target": np.array([1, 1, 0, 0]),
        }
    )
    label = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no", "yes"))
    text = Spec(name="text", kind="text", shape=(), dtype="string", axes=())
    splits = {"train": texts, "test": texts}
    data = dataclasses.replace(dataset(), input=text, target=label, splits=splits, sizes={"train": 4, "test": 4})
    scores = np.array([[0.4, 0.6], [0.2, 0.8], [0.9, 0.1], [0.3, 0.7]], np.float32)
    found = evaluate(Classification(), data, "test", {}, {"scores": scores})
    assert (found.metrics["test_accuracy"], found.baseline["baseline_accuracy"]) == (0.75, 1.0)
    assert found.table["text"][0] == "very bad"
    assert found.notes == {}
