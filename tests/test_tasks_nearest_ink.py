from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from zoo.datasets.ink import points_of
from zoo.evaluate import evaluate
from zoo.tasks import Classification
from zoo.tasks.nearest_ink import evenly
from zoo.types import Dataset, Spec

LABELS = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("down", "right", "never"))


def line(x: float, y: float, seed: int) -> np.ndarray:
    """A shaky line from the origin."""
    draws = np.random.default_rng(seed)
    share = np.sort(draws.uniform(size=12))[:, None]
    places = share * np.array([x, y]) + draws.normal(0, 0.3, (12, 2))
    return points_of([places.tolist()])


def test_points_stand_evenly_along_the_ink_in_its_box():
    ink = points_of([[[10, 0], [10, 4]], [[13, 4], [13, 0]]])
    # 4 down, 3 across with the pen up, 4 up: every 2.75 of 11, in a box 3 by 4
    expected = np.array([[-1.5, -2], [-1.5, 0.75], [0, 2], [1.5, 0.75], [1.5, -2]]) / 4
    np.testing.assert_allclose(evenly(ink, 5), expected, atol=1e-6)
    np.testing.assert_allclose(evenly(ink * [9, 9, 1] + [7, -3, 0], 5), expected, atol=1e-6)


@pytest.mark.parametrize("ink", [np.zeros((0, 3)), np.ones((1, 3)), np.full((5, 3), 7.0)])
def test_an_ink_without_extent_is_at_the_origin(ink: np.ndarray):
    np.testing.assert_array_equal(evenly(ink.astype(np.float32), 4), np.zeros((4, 2)))


def test_the_nearest_neighbour_tells_directions_apart():
    train = [line(0, 20, seed) if seed % 2 == 0 else line(20, 0, seed) for seed in range(20)]
    test = [line(0, 3, 50), line(70, 1, 51)]
    scores = Classification(neighbour_points=8).baseline((train, np.arange(20) % 2), test, LABELS)["scores"]
    np.testing.assert_array_equal(scores, [[1, 0, 0], [0, 1, 0]])
    backwards = line(0, -20, 60)  # of the two, neither; but not by the box alone, which is that of a line down
    down = evenly(train[0], 8) - evenly(backwards, 8)
    assert np.abs(down).max() > 0.8


def test_one_class_is_the_answer_to_everything():
    scores = Classification(neighbour_points=8).baseline(([line(0, 9, 1)], np.array([1])), [line(9, 0, 2)], LABELS)
    np.testing.assert_array_equal(scores["scores"], [[0, 1, 0]])


def test_evaluation_gives_it_the_ink_itself():
    from zoo.datasets.ink import INPUT, Ink, as_dataset

    inks = {
        split: [Ink(f"{seed}", line(0, 20, seed) if seed % 2 == 0 else line(20, 0, seed), seed % 2) for seed in seeds]
        for split, seeds in {"train": range(30), "test": range(30, 50)}.items()
    }
    dataset = Dataset(
        name="lines",
        version="",
        origin="generated",
        input=INPUT,
        target=dataclasses.replace(LABELS, classes=("down", "right")),
        splits={split: as_dataset(made) for split, made in inks.items()},
        sizes={split: len(made) for split, made in inks.items()},
        fingerprint="lines",
        citation="",
        licence="",
    )
    answers = {"scores": np.tile(np.array([0.6, 0.4], np.float32), (20, 1))}
    found = evaluate(Classification(neighbour_points=8), dataset, "test", {}, answers)
    assert found.metrics["test_accuracy"] == 0.5
    assert found.baseline["baseline_accuracy"] == 1.0
    assert found.difference["difference_accuracy"] == -0.5
