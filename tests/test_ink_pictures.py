from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo import catalog
from zoo.chain import Chain, answer_all
from zoo.check import random_data
from zoo.pictures.inks import pictures


def chain_of(name: str, **settings: int) -> tuple[Chain, dict]:
    keras.utils.set_random_seed(4)
    recipe = catalog.load(catalog.find(name), settings)
    data = random_data(recipe)
    return Chain(recipe, data.input, data.target, data.splits["train"]), data


def test_the_worst_inks_are_drawn_first_as_they_were_written(tmp_path):
    chain, data = chain_of("pen_digits", units=4, layers=1, heads=2)
    answers = {"test": answer_all(chain, data.splits["test"])}
    found = pictures(chain, data, "test", answers)
    assert list(found) == ["inks"]
    examples = list(data.splits["test"].as_numpy_iterator())
    truth = [int(example["target"]) for example in examples]
    right = answers["test"]["scores"][np.arange(len(truth)), truth]
    order = np.argsort(-(1 - right.astype(np.float64)).round(4), kind="stable")
    axes = found["inks"].axes
    assert len(axes) == 24
    for panel, index in zip(axes, order, strict=True):
        scores = answers["test"]["scores"][index]
        label, answer = chain.target.classes[truth[index]], chain.target.classes[scores.argmax()]
        identifier = examples[index]["id"].decode()
        assert (
            panel.get_title() == f"{identifier}\ntruth {label}\nanswer {answer} ({round(float(scores.max()), 4):.2f})"
        )
        points = examples[index]["input"]
        drawn = [line.get_xydata() for line in panel.lines[::2]]
        np.testing.assert_allclose(np.concatenate(drawn), points[:, :2], atol=1e-6)
        assert len(drawn) == 1 + np.count_nonzero(points[:-1, 2])
        np.testing.assert_allclose(panel.lines[1].get_xydata(), points[:1, :2], atol=1e-6)  # a dot where it is begun
        low, high = panel.get_ylim()
        assert low > high  # y grows downwards
    found["inks"].savefig(tmp_path / "inks.png")


def test_wide_inks_stand_two_in_a_row():
    from zoo.datasets.ink import INPUT, TEXT, Ink, as_dataset, points_of

    class Told:
        """A task that transcribes."""

        def describe(self, answers, truth, target):
            return {
                "truth": [text.decode() for text in truth],
                "text": ["x" * 60, "$a", "b"],
                "badness": [0.1, 0.9, 0.5],
            }

    class Reader:
        input, task = INPUT, Told()

    inks = [Ink(f"line {number}", points_of([[[0, 0], [90, 1]], [[95, 5]]]), f"text_{number}") for number in range(3)]

    class Lines:
        splits, target = {"test": as_dataset(inks)}, TEXT

    figure = pictures(Reader(), Lines(), "test", {"test": {}})["inks"]
    assert [axes.get_title() for axes in figure.axes] == [
        "line 1\ntruth text_1\nanswer $a",
        "line 2\ntruth text_2\nanswer b",
        f"line 0\ntruth text_0\nanswer {'x' * 45}...",
        "",
    ]
    assert figure.axes[1].get_subplotspec().get_gridspec().ncols == 2
    figure.canvas.draw()


@pytest.mark.parametrize("name", ["adding"])
def test_other_kinds_have_none(name):
    chain, data = chain_of(name, units=4)
    assert pictures(chain, data, "test", {}) == {}
