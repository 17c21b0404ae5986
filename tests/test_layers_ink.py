from __future__ import annotations

import itertools
import math
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo.layers
from zoo.datasets.ink import INPUT, points_of
from zoo.layers.ink import Ink
from zoo.types import Spec, UsageError

LINES = {"layout": "line", "level": True, "unslant": True}


def handwriting(seed: int, strokes: int = 3, most: int = 20, width: float = 3.0) -> np.ndarray:
    """Random smooth strokes side by side: float32[point, 3]."""
    draws = np.random.default_rng(seed)
    drawn = []
    for number in range(strokes):
        count = int(draws.integers(1, most + 1))
        walk = np.cumsum(draws.normal(0, 0.3, (count, 2)) + np.array([0.05, 0.1 * (-1) ** number]), 0)
        drawn.append((walk + np.array([width * number, 0])).tolist())
    return points_of(drawn)


def batch(inks: list[np.ndarray], padding: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    length = np.array([len(ink) for ink in inks], np.int32)
    values = np.full((len(inks), max(1, length.max()), 3), padding, np.float32)
    for row, ink in zip(values, inks, strict=True):
        row[: len(ink)] = ink
    return values, length


def cut(points: np.ndarray) -> list[np.ndarray]:
    """The strokes of points, one by one, in float64."""
    found, begun = [], 0
    for index in range(len(points)):
        if points[index, 2] > 0.5 or index == len(points) - 1:
            found.append(points[begun : index + 1, :2].astype(np.float64))
            begun = index + 1
    return found


def moments(strokes: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of a thousand places along every segment, weighted by its length."""
    places, weights = [], []
    for stroke in strokes:
        for start, end in itertools.pairwise(stroke):
            share = (np.arange(1000) + 0.5)[:, None] / 1000
            places.append(start + share * (end - start))
            weights.append(np.full(1000, math.dist(start, end)))
    if not places or not np.concatenate(weights).sum():
        return strokes[0][0], np.zeros((2, 2))
    mean = np.average(np.concatenate(places), axis=0, weights=np.concatenate(weights))
    return mean, np.cov(np.concatenate(places).T, aweights=np.concatenate(weights), bias=True)


def normalised(strokes: list[np.ndarray], layout: str, level: bool, unslant: bool) -> list[np.ndarray]:
    if level:
        _, (wide, tall) = moments(strokes)
        if wide[0] > 9 * tall[1]:
            strokes = [stroke - np.outer(stroke[:, 0], [0, wide[1] / wide[0]]) for stroke in strokes]
    if unslant:
        moves = np.concatenate([np.diff(stroke, axis=0) for stroke in strokes])
        down = moves[moves[:, 1] > 0].sum(0)
        slant = np.clip(down[0] / down[1], -1, 1) if len(moves[moves[:, 1] > 0]) else 0.0
        strokes = [stroke - np.outer(stroke[:, 1], [slant, 0]) for stroke in strokes]
    every = np.concatenate(strokes)
    if layout == "character":
        middle, size = (every.max(0) + every.min(0)) / 2, np.ptp(every, axis=0).max()
    else:
        mean, spread = moments(strokes)
        middle = np.array([every[:, 0].min(), mean[1]])
        size = max(
            4 * math.sqrt(spread[1, 1]), np.mean([np.linalg.norm(np.ptp(each, axis=0)) for each in strokes]) / 10
        )
    return [(stroke - middle) / size if size else (stroke - middle) * 0 for stroke in strokes]


def reference(points: np.ndarray, step: float = 0.15, layout: str = "character", level=False, unslant=False):
    """Features of one ink, a stroke at a time, in float64."""
    rows, last = [], None
    for stroke in normalised(cut(points), layout, level, unslant):
        along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(stroke, axis=0), axis=1))])
        wanted = np.linspace(0, along[-1], 1 + round(along[-1] / step))
        places = np.stack([np.interp(wanted, along, stroke[:, axis]) for axis in (0, 1)], 1)
        for index, place in enumerate(places):
            way = places[min(index + 1, len(places) - 1)] - places[max(index - 1, 0)]
            direction = way / np.linalg.norm(way) if way.any() else way
            lift = np.arcsinh(place - last) if index == 0 and last is not None else np.zeros(2)
            rows.append([*(place if layout == "character" else place[1:]), *direction, *lift, index == 0])
            last = place
    return np.array(rows, np.float64)


@pytest.mark.parametrize("options", [{}, {"step": 0.07}, {"unslant": True}, {"layout": "line"}, LINES])
def test_features_equal_the_reference(options: dict):
    inks = [handwriting(seed, strokes=1 + seed % 5) for seed in range(30)]
    features, lengths = Ink(**options)(*batch(inks))
    for row, steps, ink in zip(features.numpy(), lengths.numpy(), inks, strict=True):
        expected = reference(ink, **options)
        assert steps == len(expected)
        np.testing.assert_allclose(row[:steps], expected, atol=2e-5 if options.get("layout") == "line" else 1e-6)
        assert not row[steps:].any()


def test_a_square_by_hand():
    ink = points_of([[[0, 0], [4, 0], [4, 4]], [[0, 4]]])
    features, length = Ink(step=0.5)(*batch([ink]))
    turn = math.sqrt(0.5)
    jump = -math.asinh(1.0)
    assert length.numpy().tolist() == [6]
    expected = [  # x, y, direction, lift, start
        [-0.5, -0.5, 1, 0, 0, 0, 1],
        [0, -0.5, 1, 0, 0, 0, 0],
        [0.5, -0.5, turn, turn, 0, 0, 0],
        [0.5, 0, 0, 1, 0, 0, 0],
        [0.5, 0.5, 0, 1, 0, 0, 0],
        [-0.5, 0.5, 0, 0, jump, 0, 1],
    ]
    np.testing.assert_allclose(features[0], expected, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 1000), min_size=2, max_size=5),
    padding=st.sampled_from([0.0, 1.0, np.nan]),
    line=st.booleans(),
)
def test_an_ink_alone_equals_the_ink_in_a_batch(seeds: list[int], padding: float, line: bool):
    layer = Ink(**LINES) if line else Ink(unslant=True)
    inks = [handwriting(seed, strokes=1 + seed % 7) for seed in seeds]
    features, lengths = layer(*batch(inks, padding))
    assert features.shape[1] == max(lengths.numpy())
    for row, length, ink in zip(features.numpy(), lengths.numpy(), inks, strict=True):
        alone, alone_length = layer(*batch([ink]))
        assert alone_length.numpy()[0] == length
        np.testing.assert_allclose(alone[0], row[:length], atol=1e-6)
        assert not row[length:].any()


@pytest.mark.parametrize("options", [{}, LINES])
@pytest.mark.parametrize(
    ("ink", "steps"),
    [
        (np.zeros((0, 3)), 1),
        ([[5.0, 7.0, 1.0]], 1),
        ([[5.0, 7.0, 0.0]], 1),
        ([[5.0, 7.0, 0.0]] * 9, 1),
        ([[5.0, 7.0, 1.0]] * 9, 9),
        ([[5.0, 7.0, 1.0], [6.0, 7.0, 1.0]], 2),
    ],
    ids=["empty", "one point", "pen still down", "a stroke of one point repeated", "dots on one place", "two dots"],
)
def test_degenerate_inks_give_steps_that_are_finite(options: dict, ink, steps: int):
    features, length = Ink(**options)(*batch([np.array(ink, np.float32), handwriting(1)]))
    assert length.numpy()[0] == steps
    assert np.isfinite(features).all()
    assert features[0, 0, -1] == 1
    assert not features[0, :steps, -5:-3].numpy().any()  # no direction


def test_a_batch_without_any_point_answers():
    features, length = Ink()(np.zeros((2, 0, 3), np.float32), np.zeros(2, np.int32))
    assert features.shape == (2, 1, 7)
    assert length.numpy().tolist() == [1, 1]


def test_ten_thousand_points_are_legal_and_bounded():
    draws = np.random.default_rng(0)
    scribble = np.zeros((10_000, 3), np.float32)
    scribble[:, :2] = draws.uniform(0, 100, (10_000, 2))
    features, length = Ink(most=500)(*batch([scribble]))
    assert features.shape == (1, 501, 7)
    assert length.numpy().tolist() == [501]
    assert np.isfinite(features).all()
    scribble[:, 2] = 1
    assert Ink(**LINES)(*batch([scribble]))[1].numpy().tolist() == [10_000]


@pytest.mark.parametrize("layout", ["character", "line"])
def test_place_size_and_density_do_not_matter(layout: str):
    layer = Ink(layout=layout)
    ink = handwriting(4)
    moved = ink * [7, 7, 1] + [300, -20, 0]
    middles = (ink[:-1] + ink[1:]) / 2
    denser = np.insert(ink, np.flatnonzero(ink[:-1, 2] == 0) + 1, middles[ink[:-1, 2] == 0] * [1, 1, 0], axis=0)
    expected = layer(*batch([ink]))[0]
    for other in (moved, denser):
        np.testing.assert_allclose(layer(*batch([other.astype(np.float32)]))[0], expected, atol=1e-4)


def test_order_and_direction_matter():
    forwards = points_of([[[0, 0], [0, 9]], [[5, 0], [6, 9]]])
    swapped = points_of([[[5, 0], [6, 9]], [[0, 0], [0, 9]]])
    backwards = points_of([[[0, 9], [0, 0]], [[6, 9], [5, 0]]])
    plain = Ink()(*batch([forwards]))[0]
    for other in (swapped, backwards):
        assert np.abs(Ink()(*batch([other]))[0] - plain).max() > 0.4


def test_slant_and_slope_are_taken_out():
    draws = np.random.default_rng(3)
    strokes = [[[x, 0], [x + draws.normal(0, 0.05), 2], [x + 0.5, draws.uniform(0, 1)]] for x in range(0, 30, 2)]
    ink = points_of([[list(map(float, point)) for point in stroke] for stroke in strokes])
    layer = Ink(layout="line", unslant=True)
    plain = layer(*batch([ink]))[0].numpy()
    for slant in (-0.5, 0.3):
        sheared = ink + np.outer(ink[:, 1], [slant, 0, 0])
        np.testing.assert_allclose(layer(*batch([sheared.astype(np.float32)]))[0], plain, atol=1e-4)
    sloped = (ink + np.outer(ink[:, 0], [0, 0.1, 0])).astype(np.float32)

    def fall(layer: Ink) -> float:
        """From the first stroke's start to the last one's, all of which begin at one height."""
        features = layer(*batch([sloped]))[0].numpy()[0]
        starts = features[features[:, -1] == 1]
        return starts[-1, 0] - starts[0, 0]

    assert fall(Ink(layout="line")) > 0.6
    assert abs(fall(Ink(layout="line", level=True))) < 0.06


def test_saved_model_equals_the_layer(tmp_path):
    layer = Ink(**LINES)
    module = tf.Module()
    module.layer = layer
    signature = [tf.TensorSpec([None, None, 3], tf.float32), tf.TensorSpec([None], tf.int32)]
    module.run = tf.function(lambda values, length: layer(values, length), input_signature=signature)
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for inks in ([handwriting(1), handwriting(2, 6)], [np.zeros((0, 3))]):
        values, length = batch(inks)
        for expected, got in zip(layer(values, length), loaded.run(values, length), strict=True):
            np.testing.assert_allclose(got, expected, atol=1e-6)


def test_lines_are_prepared_quickly():
    layer = Ink(**LINES)
    values, length = batch([handwriting(seed, strokes=30, most=40) for seed in range(32)])
    run = tf.function(lambda values, length: layer(values, length))
    run(values, length)
    begun = time.perf_counter()
    run(values, length)
    assert time.perf_counter() - begun < 0.75  # 12,195 lines in five minutes even then


def test_config_makes_the_same_layer():
    layer = Ink(layout="line", step=0.2, level=True, unslant=True, most=99)
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    values, length = batch([handwriting(8)])
    np.testing.assert_array_equal(layer(values, length)[0], copy(values, length)[0])
    assert copy.get_config() == layer.get_config()


@pytest.mark.parametrize(("layout", "columns"), [("character", 7), ("line", 6)])
def test_features_spec_tells_what_comes_out(layout: str, columns: int):
    spec = Ink(layout=layout).features(INPUT)
    assert str(spec) == f"features: float32[step, feature={columns}]"
    assert Ink(layout=layout)(*batch([handwriting(0)]))[0].shape[2] == columns


def test_what_is_no_ink_is_refused():
    series = Spec(name="pairs", kind="series", shape=(None, 3), dtype="float32", axes=("step", "column"))
    with pytest.raises(
        UsageError, match=r"`Ink` takes points of x, y and pen-up, got pairs: float32\[step, column=3\]"
    ):
        Ink().features(series)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layout": "page"}, "`layout` must be one of character, line, got 'page'"),
        ({"step": 0.0}, "`step` must be above 0 and `most` at least 1, got 0.0 and 4096"),
        ({"most": 0}, "`step` must be above 0 and `most` at least 1, got 0.15 and 0"),
    ],
)
def test_wrong_settings_are_refused(options: dict, said: str):
    with pytest.raises(UsageError, match=said):
        Ink(**options)


def test_it_is_found_by_name():
    assert zoo.layers.Ink is Ink
