from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from zoo.tasks.step_classification import StepClassification
from zoo.types import Spec

LABELS = Spec(name="copy", kind="label", shape=(None,), dtype="int32", axes=("step",), classes=("a", "b", "c"))
TASK = StepClassification()
TRUTH = np.array([[0, 1, -1], [2, 2, 0]], np.int32)
SCORES = np.array(
    [
        [[0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [1, 0, 0]],  # right, wrong, not asked
        [[0, 0, 1], [0.1, 0.1, 0.8], [0.5, 0.3, 0.2]],  # all right
    ],
    np.float32,
)
ENTROPY = [(-np.log(0.5) - np.log(0.25)) / 2, (0 - np.log(0.8) - np.log(0.5)) / 3]


def test_scores_by_hand():
    found = TASK.score({"scores": SCORES}, TRUTH, LABELS)
    assert found["cross_entropy"] == found["loss"] == pytest.approx(np.mean(ENTROPY), rel=1e-6)
    assert found["accuracy"] == pytest.approx(4 / 5)
    assert found["wrong"] == 0.5
    np.testing.assert_allclose(TASK.example_scores({"scores": SCORES}, TRUTH, LABELS), ENTROPY, rtol=1e-6)


def test_metrics_are_known_by_shape_where_a_size_is_known_on_one_side_alone():
    """Keras asks for it in `fit`, whose targets have a fixed length where all sequences have."""
    target, logits = tf.TensorSpec((None, 120), tf.int32), tf.TensorSpec((None, None, 3), tf.float32)
    for metric in TASK.metrics():
        made = tf.function(metric._fn).get_concrete_function(target, logits)
        assert made.output_shapes.rank == 1


def test_loss_and_metrics_are_those_of_the_scores_whatever_keras_makes_of_the_target():
    logits = tf.math.log(tf.maximum(tf.constant(SCORES), 1e-30)) + 3.0
    for dtype in (tf.int32, tf.float32):
        np.testing.assert_allclose(TASK.loss()(tf.cast(TRUTH, dtype), logits), ENTROPY, rtol=1e-5)
        for metric in TASK.metrics():
            metric.update_state(tf.cast(TRUTH, dtype), logits)
            expected = TASK.score({"scores": SCORES}, TRUTH, LABELS)[metric.name]
            assert float(metric.result()) == pytest.approx(expected)


def test_answer_names_a_label_at_every_step():
    answer = TASK.answer(tf.math.log(tf.constant(SCORES) + 1e-9), LABELS)
    assert answer["labels"].numpy().tolist() == [[b"a", b"c", b"a"], [b"c", b"c", b"a"]]
    np.testing.assert_allclose(answer["scores"], SCORES, atol=1e-5)


def test_without_memory_the_copy_problem_costs_ten_ln_eight_over_its_length():
    from zoo.datasets import copy_memory

    _, train = copy_memory.generate(20_000, 100, 10, seed=0)
    _, test = copy_memory.generate(500, 100, 10, seed=1)
    answers = TASK.baseline(([], train), test, Spec(**{**vars(LABELS), "classes": copy_memory.SYMBOLS}))
    assert answers["scores"].shape == (500, 120, 10)
    assert TASK.score(answers, test, LABELS)["cross_entropy"] == pytest.approx(10 * np.log(8) / 120, rel=0.01)


def test_table_and_picture():
    table = TASK.describe({"scores": SCORES}, TRUTH, LABELS)
    assert table["wrong_steps"] == [1, 0]
    assert table["badness"] == table["cross_entropy"] == pytest.approx(ENTROPY, abs=1e-6)
    above, below = TASK.pictures({"scores": SCORES}, TRUTH, LABELS)["by_step"].axes
    np.testing.assert_allclose(below.lines[0].get_ydata(), [0, 0.5, 0])
    np.testing.assert_allclose(above.lines[0].get_ydata()[2], -np.log(0.5), rtol=1e-6)
