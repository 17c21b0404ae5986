from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from zoo.tasks.regression import Regression
from zoo.types import Spec

SUM = Spec(name="sum", kind="value", shape=(), dtype="float32", axes=(), unit="kW")
VALUE = np.array([0.5, 1.0, 0.25, 0.0], np.float32)
TRUTH = np.array([0.5, 0.75, 0.5, 1.0], np.float32)
TASK = Regression(tolerance=0.25)


def test_answer_is_what_the_network_gives():
    answer = TASK.answer(tf.constant(VALUE), SUM)
    assert set(answer) == {"value"}
    np.testing.assert_array_equal(answer["value"], VALUE)


def test_loss_is_the_mean_squared_error():
    assert float(TASK.loss()(TRUTH, VALUE)) == pytest.approx((0 + 0.0625 + 0.0625 + 1) / 4)


def test_metrics_are_the_mean_absolute_error_and_the_share_of_wrong_answers():
    found = {}
    for metric in TASK.metrics():
        metric.update_state(TRUTH, VALUE)
        found[metric.name] = float(metric.result())
    assert found == {"mae": pytest.approx(0.375), "wrong": 0.25}


def test_score_against_hand_made_values():
    assert TASK.score({"value": VALUE}, TRUTH, SUM) == {
        "mse": pytest.approx(0.28125),
        "mae": pytest.approx(0.375),
        "wrong": 0.25,  # a difference equal to the tolerance is not wrong
        "loss": pytest.approx(0.28125),
    }


def test_example_scores_average_to_the_headline():
    scores = TASK.example_scores({"value": VALUE}, TRUTH, SUM)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, [0, 0.0625, 0.0625, 1])


def test_baseline_is_the_mean_of_the_train_targets():
    empty = [np.zeros((1, 1), np.float32)] * 3
    answers = TASK.baseline((empty, np.array([0.0, 1.0, 2.0], np.float32)), empty[:2], SUM)
    assert answers["value"].tolist() == [1.0, 1.0]


def test_baseline_fails_where_order_matters_and_is_right_where_nothing_varies():
    draws = np.random.default_rng(0)
    examples = [draws.normal(size=(4, 1)).astype(np.float32) for _ in range(200)]
    first = np.array([example[0, 0] for example in examples])
    answers = TASK.baseline((examples[:100], first[:100]), examples[100:], SUM)
    assert TASK.score(answers, first[100:], SUM)["mse"] > 0.9 * first[100:].var()
    constant = np.full(100, 0.7, np.float32)
    answers = TASK.baseline((examples[:100], constant), examples[100:], SUM)
    assert TASK.score(answers, constant, SUM)["mse"] < 1e-12


def test_table_columns():
    assert TASK.describe({"value": VALUE}, TRUTH, SUM) == {
        "truth": [0.5, 0.75, 0.5, 1.0],
        "value": [0.5, 1.0, 0.25, 0.0],
        "badness": [0.0, 0.25, 0.25, 1.0],
    }


def test_picture_shows_answers_against_truths():
    pictures = TASK.pictures({"value": VALUE}, TRUTH, SUM)
    (axes,) = pictures["answer_against_truth"].axes
    assert axes.get_title() == "4 test examples"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("truth kW", "answer")
    np.testing.assert_array_equal(axes.collections[-1].get_offsets(), np.stack([TRUTH, VALUE], axis=1))
