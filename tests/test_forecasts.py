"""Pictures of forecasts: what is drawn in them."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from zoo.datasets.windows import Table, as_dataset, history
from zoo.pictures import forecasts
from zoo.tasks import forecast_pictures
from zoo.tasks.forecasting import Forecasting
from zoo.types import Dataset, Spec

BACK, AHEAD, SEASON = 8, 3, 4
ABOUT = {"name": "n", "version": "", "origin": "generated", "citation": "", "licence": ""}


def data(alone: bool = False, series: int = 2) -> Dataset:
    draws = np.random.default_rng(0)
    table = Table(
        times=tuple(map(str, range(80))),
        names=tuple("abcde"[:series]),
        values=draws.normal(0, 1, (80, series)) * [1, 100, 1, 1, 1][:series] + 50,
        season=SEASON,
    )
    tables = table.alone() if alone else [table]
    input = history(BACK, AHEAD, alone=alone)
    return as_dataset(tables, [(50, 60, 80)] * len(tables), input, standardise=not alone, **ABOUT)


def drawn(dataset: Dataset, error: np.ndarray, split: str = "test", **answers: np.ndarray) -> dict:
    """The pictures of forecasts that are off by `error` [window, ahead, series], in the target's unit."""
    truth = np.stack([example["target"] for example in dataset.splits[split].as_numpy_iterator()])
    series = dataset.target.series
    scale, center = (np.array(part) if part else default for part, default in ((series.scale, 1), (series.center, 0)))
    told = {"forecast": ((truth + error) * scale + center).astype(np.float32), **answers}
    chain = SimpleNamespace(task=Forecasting())
    return forecasts.pictures(chain, dataset, split, {split: told})


def test_errors_of_series_side_by_side():
    error = np.zeros((18, AHEAD, 2))
    error[:, 0, 0], error[:, :, 1] = 0.5, 2.0
    found = drawn(data(), error)
    assert set(found) == {"forecasts", "error_by_step", "error_by_series"}
    axes = found["error_by_step"].axes[0]
    lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    np.testing.assert_allclose(lines["this model"], [1.25, 1, 1], rtol=1e-5)
    test = list(data().splits["test"].as_numpy_iterator())
    series = data().target.series
    past = (np.stack([example["input"] for example in test]) - series.center) / series.scale
    truth = np.stack([example["target"] for example in test])
    np.testing.assert_allclose(lines["last value"], np.abs(past[:, -1:] - truth).mean(axis=(0, 2)), rtol=1e-5)
    np.testing.assert_allclose(lines["seasonal naive"], np.abs(past[:, 4:7] - truth).mean(axis=(0, 2)), rtol=1e-5)
    assert axes.get_ylabel() == "absolute error\nin standard deviations"
    bars = found["error_by_series"].axes[0]
    assert [text.get_text() for text in bars.get_yticklabels()] == ["b", "a"]  # the worst first
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], [2, 0.5 / 3], rtol=1e-5)


def test_errors_of_series_alone_are_scaled_each_by_its_own():
    dataset = data(alone=True)
    seasonal = dataset.references["test"]["seasonal_error"]
    error = np.where(np.arange(36) < 18, 0.5, 2.0)[:, None, None] * np.ones((36, AHEAD, 1)) * seasonal[:, None]
    found = drawn(dataset, error)
    lines = {line.get_label(): line.get_ydata() for line in found["error_by_step"].axes[0].get_lines()}
    np.testing.assert_allclose(lines["this model"], [1.25] * AHEAD, rtol=1e-4)
    bars = found["error_by_series"].axes[0]
    assert [text.get_text() for text in bars.get_yticklabels()] == ["b", "a"]
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], [2, 0.5], rtol=1e-4)
    assert bars.get_xlabel() == "mean absolute error over that of the seasonal naive forecast"


def test_one_series_has_no_picture_by_series_and_val_can_stand_in():
    assert set(drawn(data(series=1), np.zeros((18, AHEAD, 1)))) == {"forecasts", "error_by_step"}
    assert set(drawn(data(alone=True), np.zeros((16, AHEAD, 1)), split="val")) == {"forecasts", "error_by_step"}


def test_a_good_a_median_and_a_bad_window_are_drawn():
    dataset = data()
    error = np.linspace(0, 1, 18)[::-1, None, None] * np.ones((18, AHEAD, 2))  # window 0 is the worst
    figure = drawn(dataset, error)["forecasts"]
    assert len(figure.axes) == 6  # two series, three windows
    good, median, bad = (axes.get_title() for axes in figure.axes[:3])
    assert good == "good: 76, error 0.0588" and median.startswith("median: 6") and bad == "bad: 61, error 0.941"
    test = list(dataset.splits["test"].as_numpy_iterator())
    lines = {line.get_label(): line for line in figure.axes[5].get_lines()}  # the second series of the bad window
    np.testing.assert_allclose(lines["past"].get_ydata(), test[1]["input"][:, 1])
    np.testing.assert_array_equal(lines["past"].get_xdata(), np.arange(-7, 1))
    series = dataset.target.series
    truth = test[1]["target"][:, 1] * series.scale[1] + series.center[1]
    np.testing.assert_allclose(lines["truth"].get_ydata(), [test[1]["input"][-1, 1], *truth], rtol=1e-6)
    off = (error[1, :, 1]) * series.scale[1]
    np.testing.assert_allclose(lines["forecast"].get_ydata(), truth + off, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(lines["forecast"].get_xdata(), [1, 2, 3])


def test_intervals_are_drawn_and_of_many_series_three():
    dataset = data(series=5)
    quantiles = np.sort(np.random.default_rng(0).normal(50, 1, (18, AHEAD, 5, 3)), axis=-1).astype(np.float32)
    figure = drawn(dataset, np.zeros((18, AHEAD, 5)), quantiles=quantiles)["forecasts"]
    assert len(figure.axes) == 9
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["a", "c", "e"]
    (band,) = figure.axes[0].collections
    assert band.get_label() == "interval"


def test_many_series_are_cut_to_the_worst():
    means = {f"series {number}": float(number) for number in range(60)}
    axes = forecast_pictures.by_series(means, "").axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == [f"series {number}" for number in range(59, 19, -1)]
    assert axes.get_title() == "Error by series, the worst 40 of 60"


def test_other_tasks_have_no_such_pictures():
    label = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("a", "b"))
    dataset = dataclasses.replace(data(), target=label)
    assert forecasts.pictures(SimpleNamespace(task=None), dataset, "test", {}) == {}


@pytest.mark.parametrize("steps", [1, 2])
def test_few_steps_can_be_seen(steps):
    figure = forecast_pictures.by_step(np.ones((5, steps, 2)), {"last value": np.ones(steps)}, "in kW", "h")
    axes = figure.axes[0]
    assert axes.get_xlabel() == "steps ahead (h)" and axes.get_ylabel() == "absolute error\nin kW"
    assert {line.get_marker() for line in axes.get_lines()} == ({"o"} if steps == 1 else {""})
