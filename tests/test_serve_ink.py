"""Answers to ink, by file and from the SavedModel alone."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import catalog
from zoo.chain import Chain
from zoo.datasets.ink import points_of
from zoo.export import save
from zoo.serve import Model
from zoo.signatures.ink import pack
from zoo.types import Spec, UsageError

LABELS = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("1", "7", "4"))


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of an untrained network; what it answers does not matter, only that it is the same."""
    keras.utils.set_random_seed(2)
    recipe = catalog.load(catalog.find("pen_digits"), {"units": 4, "layers": 1, "heads": 2})
    folder = tmp_path_factory.mktemp("digits") / "export"
    chain = Chain(recipe, recipe.input, LABELS)
    chain.function()  # builds the frontend
    save(chain, folder)
    return folder


def drawn(count: int) -> list[list]:
    """Inks of one to three strokes of up to thirty points, the first a single point."""
    draws = np.random.default_rng(4)
    inks = [[[[3.0, 4.0]]]]
    for _ in range(count - 1):
        inks.append([draws.uniform(0, 9, (draws.integers(1, 31), 2)).tolist() for _ in range(draws.integers(1, 4))])
    return inks


def test_inks_get_the_answers_of_the_savedmodel_one_a_line(digits: Path, tmp_path: Path):
    inks = drawn(40)  # more than a batch
    file = tmp_path / "inks.jsonl"
    file.write_text("\n".join(json.dumps({"strokes": strokes}) for strokes in inks))
    answers = Model.load(str(digits)).predict([str(file)])
    call = tf.saved_model.load(str(digits)).signatures["serving_default"]
    assert [answer["file"] for answer in answers] == [f"{file}:{line}" for line in range(1, 41)]
    for answer, strokes in zip(answers, inks, strict=True):
        alone = call(**{name: tf.constant(value) for name, value in pack([points_of(strokes)]).items()})
        assert answer["label"] == alone["label"].numpy()[0].decode() in LABELS.classes
        np.testing.assert_allclose(list(answer["scores"].values()), alone["scores"][0], atol=1e-5)
    json.dumps(answers)


def test_every_fault_of_every_file_is_named(digits: Path, tmp_path: Path):
    file = tmp_path / "inks.jsonl"
    file.write_text('{"strokes": [[[1, 2]]]}\n{"strokes": [[1, 2]]}\n{"strokes": [[[NaN, 2]]]}\n')
    with pytest.raises(UsageError) as caught:
        Model.load(str(digits)).predict([str(file), str(tmp_path / "none.jsonl"), "7"])
    said = str(caught.value)
    assert f"`{file}` has 2 faults" in said
    assert f"{file}:2: stroke 1, point 1 must be [x, y] or [x, y, ms], got 1" in said
    assert f"{file}:3: stroke 1, point 1 must have numbers from " in said
    assert "none.jsonl` does not exist; give a file with one ink a line" in said
    assert "`7` does not exist" in said


def test_the_savedmodel_takes_any_ink_and_refuses_what_is_no_number(digits: Path):
    call = tf.saved_model.load(str(digits)).signatures["serving_default"]
    draws = np.random.default_rng(0)
    scribble = np.concatenate([draws.uniform(0, 99, (10_000, 2)), np.ones((10_000, 1))], 1).astype(np.float32)
    for points in (np.zeros((1, 0, 3)), np.ones((1, 1, 3)), np.ones((1, 60, 3)), scribble[None]):
        answer = call(points=tf.constant(points, tf.float32), length=tf.constant([points.shape[1]]))
        assert answer["scores"].shape == (1, 3)
        assert np.isfinite(answer["scores"]).all()
    scribble[5, 1] = np.nan
    with pytest.raises(tf.errors.InvalidArgumentError, match="`points` must be finite numbers within `length`"):
        call(points=tf.constant(scribble[None]), length=tf.constant([6]))
    assert call(points=tf.constant(scribble[None]), length=tf.constant([5]))["label"].shape == (1,)
