from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from zoo.tasks.classification import Classification
from zoo.tasks.sure_classification import SureClassification
from zoo.types import Spec

LABELS = Spec(name="order", kind="label", shape=(), dtype="int64", axes=(), classes=("XX", "XY", "YX"))
TRUTH = np.array([0, 0, 1, 2])
SCORES = np.array([[0.75, 0.2, 0.05], [0.65, 0.2, 0.15], [0.1, 0.8, 0.1], [0.9, 0.05, 0.05]], np.float32)


def test_an_answer_has_to_be_right_and_sure():
    found = SureClassification().score({"scores": SCORES}, TRUTH, LABELS)
    assert found["wrong"] == 0.5  # the second is right but off by 0.35, the last is not right
    assert found["accuracy"] == 0.75
    assert SureClassification(tolerance=0.4).score({"scores": SCORES}, TRUTH, LABELS)["wrong"] == 0.25
    plain = Classification().score({"scores": SCORES}, TRUTH, LABELS)
    assert {name: value for name, value in found.items() if name != "wrong"} == plain


def test_the_metric_of_training_counts_the_same():
    metrics = {metric.name: metric for metric in SureClassification().metrics()}
    for metric in metrics.values():
        metric.update_state(tf.constant(TRUTH), tf.math.log(tf.constant(SCORES)))
    assert float(metrics["wrong"].result()) == 0.5
    assert float(metrics["accuracy"].result()) == pytest.approx(0.75)
