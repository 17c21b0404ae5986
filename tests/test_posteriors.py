from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo import catalog
from zoo.chain import Chain, answer_all
from zoo.check import random_data
from zoo.pictures import posteriors

TINY = {
    "an4": {"units": 6, "layers": 1, "ngram": 0, "mel": 10},
    "speech_commands": {"units": 6, "layers": 1, "heads": 2, "mel": 10},
    "iam_lines": {"units": 6, "layers": 1},
    "iam_online": {"units": 6, "layers": 1},
    "spoken_digits": {"units": 6, "layers": 1, "heads": 3, "mel": 10},
}


def drawn(name: str):
    keras.utils.set_random_seed(4)
    recipe = catalog.load(catalog.find(name), TINY[name])
    data = random_data(recipe)
    chain = Chain(recipe, data.input, data.target, data.splits["train"])
    last = chain.network.get_layer("logits")
    last.set_weights([20 * weight for weight in last.get_weights()])  # surer than an untrained network is
    answers = {"test": answer_all(chain, data.splits["test"])}
    return chain, posteriors.pictures(chain, data, "test", answers)


def test_transcribers_of_images_show_them_by_steps():
    _, found = drawn("iam_lines")
    axes = found["posteriors"].axes
    assert axes[3].get_xlabel() == "steps"
    assert axes[3].get_xlim() == axes[1].get_xlim()


def test_transcribers_of_ink_show_where_on_it_each_symbol_was_read(tmp_path):
    _, found = drawn("iam_online")
    above, below = found["posteriors"].axes[1], found["posteriors"].axes[3]
    read = [(text.get_text(), text.xy) for text in above.texts]
    assert read and [shown for shown, _ in read] == [text.get_text() for text in below.texts]
    ink = np.concatenate([line.get_xydata() for line in above.lines if line.get_marker() == "None"])
    for _, place in read:
        assert np.abs(ink - place).sum(1).min() < 1e-9
    low, high = above.get_ylim()
    assert low > high  # y grows downwards
    assert below.get_xlabel() == "steps" and below.get_xlim() == (0, len(ink))
    found["posteriors"].savefig(tmp_path / "posteriors.png")


def test_transcribers_show_their_symbols_under_the_sound(tmp_path):
    chain, found = drawn("an4")
    assert list(found) == ["posteriors"]
    axes = found["posteriors"].axes
    assert len(axes) == 12
    above, below = axes[1], axes[3]  # the first is of one sample
    assert len(above.images) == 1
    assert " > " in above.get_title()
    assert below.get_xlabel() == "seconds"
    curves = [line.get_ydata() for line in below.lines]
    assert 1 < len(curves) <= len(chain.target.classes) + 1
    assert all(0 <= curve.min() <= curve.max() <= 1 for curve in curves)
    assert below.get_xlim() == above.get_xlim()
    found["posteriors"].savefig(tmp_path / "posteriors.png")


@pytest.mark.parametrize(("name", "heads"), [("speech_commands", 2), ("spoken_digits", 3)])
def test_classifiers_of_sound_show_where_they_looked(name: str, heads: int, tmp_path):
    _, found = drawn(name)
    assert list(found) == ["attention"]
    axes = found["attention"].axes
    assert len(axes) == 12
    for below in (axes[2], axes[3], axes[6]):
        weights = np.stack([line.get_ydata() for line in below.lines])
        assert len(weights) == heads
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
        low, high = below.get_xlim()
        assert low <= below.lines[0].get_xdata().min() <= below.lines[0].get_xdata().max() <= high
    found["attention"].savefig(tmp_path / "attention.png")


def test_peaks_are_where_each_symbol_is_surest():
    a, b, none = range(3)
    best = [none, a, a, none, a, b, b, none]
    chances = np.full((8, 3), 0.1)
    chances[np.arange(8), best] = [0.8, 0.5, 0.7, 0.8, 0.6, 0.6, 0.5, 0.8]
    assert posteriors.peaks(chances) == [(2, a), (4, a), (5, b)]
    assert posteriors.peaks(np.zeros((0, 3))) == []


def test_other_kinds_have_none():
    recipe = catalog.load(catalog.find("adding"), {"units": 4})
    data = random_data(recipe)
    assert posteriors.pictures(Chain(recipe, data.input, data.target), data, "test", {}) == {}
