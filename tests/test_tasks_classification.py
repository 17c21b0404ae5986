from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import zoo.tasks
from zoo.tasks.classification import Classification, calibration_error
from zoo.types import Spec

LABELS = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no", "yes", "maybe"))
SCORES = np.array([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.1, 0.1, 0.8], [0.5, 0.25, 0.25]], np.float32)
TRUTH = np.array([0, 0, 2, 1])


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def test_answer_is_the_likeliest_label_with_its_score():
    logits = np.array([[2.0, 1.0, -1.0], [0.0, 0.5, 3.0]], np.float32)
    answer = Classification().answer(tf.constant(logits), LABELS)
    assert answer["label"].numpy().tolist() == [b"no", b"maybe"]
    np.testing.assert_allclose(answer["scores"], softmax(logits), rtol=1e-6)
    np.testing.assert_allclose(answer["score"], softmax(logits).max(axis=-1), rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_is_smoothed_cross_entropy(smoothing: float):
    logits = np.array([[2.0, 1.0, -1.0], [0.0, 0.5, 3.0]], np.float32)
    wanted = np.full((2, 3), smoothing / 3)
    wanted[[0, 1], [1, 2]] += 1 - smoothing
    expected = -(wanted * np.log(softmax(logits))).sum(axis=-1)
    loss = Classification(label_smoothing=smoothing).loss()
    np.testing.assert_allclose(loss(tf.constant([1, 2], tf.int64), tf.constant(logits)), expected, rtol=1e-5)


def test_metrics_follow_the_logits():
    (accuracy,) = Classification().metrics()
    accuracy.update_state(np.array([1, 2, 0]), np.array([[0.0, 5, 1], [9, 0, 1], [3, 1, 2]], np.float32))
    assert accuracy.name == "accuracy" and float(accuracy.result()) == pytest.approx(2 / 3)


def test_score_against_hand_made_values():
    score = Classification().score({"scores": SCORES}, TRUTH, LABELS)
    assert score["accuracy"] == 0.5  # rows 0 and 2
    # no: precision 1/2, recall 1/2; yes: nothing right; maybe: all right
    assert score["macro_f1"] == pytest.approx((0.5 + 0 + 1) / 3)
    assert score["loss"] == pytest.approx(-np.mean(np.log([0.7, 0.3, 0.8, 0.25])), rel=1e-6)
    assert set(score) == {"accuracy", "macro_f1", "loss"}


def test_score_counts_classes_that_the_split_lacks():
    score = Classification().score({"scores": SCORES[:1]}, TRUTH[:1], LABELS)
    assert score["accuracy"] == 1 and score["macro_f1"] == pytest.approx(1 / 3)


def test_example_scores_are_the_accuracy_example_by_example():
    assert Classification().example_scores({"scores": SCORES}, TRUTH, LABELS).tolist() == [1, 0, 1, 0]


def test_calibration_error_by_hand():
    scores = np.array([[0.95, 0.05], [0.99, 0.01], [0.35, 0.65], [0.62, 0.38], [1.0, 0.0]], np.float32)
    error, rows = calibration_error(scores, np.array([0, 1, 1, 1, 0]))
    # [0.6, 0.7): sure 0.635, right 1/2; [0.9, 1]: sure 0.98, right 2/3
    assert [row[2] for row in rows] == [2, 3]
    np.testing.assert_allclose(rows[0][:2], [0.635, 0.5], atol=1e-6)
    np.testing.assert_allclose(rows[1][:2], [0.98, 2 / 3], atol=1e-6)
    assert error == pytest.approx((2 * 0.135 + 3 * (0.98 - 2 / 3)) / 5, abs=1e-6)


def steps(rising: bool, draws: np.random.Generator) -> np.ndarray:
    """The same values either way, in time or backwards."""
    values = np.linspace(-1, 1, 8, dtype=np.float32)[:, None] + draws.normal(0, 0.2, (8, 2)).astype(np.float32)
    return values if rising else values[::-1]


def test_baseline_fails_where_only_the_order_differs():
    draws = np.random.default_rng(0)
    truth = np.arange(200) % 2
    examples = [steps(bool(label), draws) for label in truth]
    answers = Classification().baseline((examples[:100], truth[:100]), examples[100:], LABELS)
    assert abs(np.mean(answers["scores"].argmax(axis=-1) == truth[100:]) - 0.5) < 0.15


def test_baseline_works_where_means_differ_and_knows_every_class():
    draws = np.random.default_rng(0)
    truth = np.arange(60) % 2 * 2  # "yes" does not occur
    examples = [draws.normal(label, 0.2, (5 + label, 3)).astype(np.float32) for label in truth]
    scores = Classification().baseline((examples[:40], truth[:40]), examples[40:], LABELS)["scores"]
    assert scores.shape == (20, 3) and scores.dtype == np.float32
    assert not scores[:, 1].any()
    np.testing.assert_allclose(scores.sum(axis=-1), 1, rtol=1e-6)
    assert (scores.argmax(axis=-1) == truth[40:]).all()


def test_table_columns():
    assert Classification().describe({"scores": SCORES}, TRUTH, LABELS) == {
        "truth": ["no", "no", "maybe", "yes"],
        "label": ["no", "yes", "maybe", "no"],
        "score": pytest.approx([0.7, 0.4, 0.8, 0.5]),
        "badness": pytest.approx([0.3, 0.7, 0.2, 0.75]),
    }


def test_pictures_show_confusion_and_calibration():
    pictures = Classification().pictures({"scores": SCORES}, TRUTH, LABELS)
    assert set(pictures) == {"confusion_matrix", "reliability"}
    (confusion,) = pictures["confusion_matrix"].axes
    assert confusion.get_title() == "Confusion matrix, 4 test examples"
    assert (confusion.get_xlabel(), confusion.get_ylabel()) == ("answer", "truth")
    np.testing.assert_array_equal(confusion.images[0].get_array(), [[1, 1, 0], [1, 0, 0], [0, 0, 1]])
    error, _ = calibration_error(SCORES, TRUTH)
    (reliability,) = pictures["reliability"].axes
    assert reliability.get_title() == f"Reliability, expected calibration error {error:.3f}"


def test_tasks_are_found_by_name():
    assert zoo.tasks.Classification is Classification
    with pytest.raises(AttributeError, match="no attribute 'Clustering'; it has Classification, Forecasting"):
        _ = zoo.tasks.Clustering


def test_members_learn_one_by_one_and_answer_together():
    task = Classification(label_smoothing=0.1)
    draws = np.random.default_rng(8).normal(size=(4, 3, 2)).astype(np.float32)
    truth = np.array([0, 1, 1, 0])
    loss, given = task.loss(), tf.constant(draws)
    alone = [loss(truth, given[:, member]).numpy() for member in range(3)]
    np.testing.assert_allclose(loss(truth, given), np.stack(alone, 1), rtol=1e-6)
    scores = np.exp(draws.astype(np.float64))
    scores = (scores / scores.sum(-1, keepdims=True)).mean(1)
    labels = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no", "yes"))
    np.testing.assert_allclose(task.answer(given, labels)["scores"], scores, rtol=1e-5)
    metric = task.metrics()[0]
    metric.update_state(truth, given)
    assert metric.name == "accuracy"
    assert float(metric.result()) == (scores.argmax(1) == truth).mean()


def test_the_baseline_of_texts_counts_words_and_pairs():
    train = [b"good film", b"very good", b"bad film", b"very bad"] * 3
    labels = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no", "yes"))
    found = Classification().baseline((train, np.array([1, 1, 0, 0] * 3)), [b"good !", b"so bad", b"caf\xe9"], labels)
    assert found["scores"].argmax(1)[:2].tolist() == [1, 0]
    np.testing.assert_allclose(found["scores"].sum(1), 1, rtol=1e-6)
