"""The forecasting task: losses, errors and simple forecasts, by their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import mean_pinball_loss

from zoo.datasets.naive2 import naive2
from zoo.datasets.windows import Table, as_dataset, history
from zoo.tasks.forecasting import Forecasting, quantile_error, scaled_error, symmetric
from zoo.types import Dataset, Series, Spec

LEVELS = (0.1, 0.5, 0.9)
DRAWS = np.random.default_rng(0)
TRUTH = DRAWS.normal(0, 1, (6, 4, 2)).astype(np.float32)
TOLD = np.sort(DRAWS.normal(0, 1, (6, 4, 2, 3)).astype(np.float32), axis=-1)


def target(center: tuple[float, ...] = (), scale: tuple[float, ...] = (), **series) -> Spec:
    given = {"ahead": 4, "names": ("north", "south"), "season": 3, "center": center, "scale": scale, **series}
    return Spec(
        name="forecast", kind="series", shape=(4, 2), dtype="float32", axes=("step", "series"), series=Series(**given)
    )


OWN = target()
STANDARD = target((10.0, -5.0), (2.0, 30.0))
IN_UNITS = {name: np.asarray(values, np.float64) for name, values in (("center", [10, -5]), ("scale", [2, 30]))}


def test_loss_is_the_absolute_error():
    found = Forecasting().loss()(tf.constant(TRUTH), tf.constant(TOLD[..., 0])).numpy()
    np.testing.assert_allclose(found, np.abs(TRUTH - TOLD[..., 0]).mean(axis=(1, 2)), rtol=1e-6)


def test_quantile_loss_is_twice_the_pinball_loss():
    found = Forecasting(quantiles=LEVELS).loss()(tf.constant(TRUTH), tf.constant(TOLD)).numpy()
    for window in range(6):
        truth = TRUTH[window].ravel()
        pinball = [mean_pinball_loss(truth, TOLD[window, ..., at].ravel(), alpha=q) for at, q in enumerate(LEVELS)]
        assert found[window] == pytest.approx(2 * np.mean(pinball), rel=1e-5)
    one = quantile_error(np.array([3.0]), np.array([[1.0, 3.0, 4.0]]), LEVELS)
    np.testing.assert_allclose(one, [[2 * 0.1 * 2, 0, 2 * 0.1 * 1]])  # 2 * q * (y - f), and 2 * (1 - q) * (f - y)


def test_relative_loss_is_over_the_size_of_truth_and_forecast():
    found = Forecasting(relative=True).loss()(tf.constant(TRUTH), tf.constant(TOLD[..., 0])).numpy()
    size = (np.abs(TRUTH) + np.abs(TOLD[..., 0])).mean(axis=(1, 2)) / 2
    np.testing.assert_allclose(found, np.abs(TRUTH - TOLD[..., 0]).mean(axis=(1, 2)) / size, rtol=1e-5)
    nothing = tf.zeros([1, 4, 2])
    assert Forecasting(relative=True).loss()(nothing, nothing).numpy() == [0]


@pytest.mark.parametrize("task", [Forecasting(), Forecasting(quantiles=LEVELS), Forecasting(relative=True),
                                  Forecasting(quantiles=LEVELS, relative=True)])  # fmt: skip
def test_reported_loss_is_the_one_of_training(task):
    logits = TOLD if task.quantiles else TOLD[..., 1]
    answers = {name: value.numpy() for name, value in task.answer(tf.constant(logits), OWN).items()}
    trained = task.loss()(tf.constant(TRUTH), tf.constant(logits)).numpy().mean()
    assert task.score(answers, TRUTH, OWN)["loss"] == pytest.approx(trained, rel=1e-5)


def test_metrics_of_an_epoch():
    for task, logits in ((Forecasting(), TOLD[..., 1]), (Forecasting(quantiles=LEVELS), TOLD)):
        found = {}
        for metric in task.metrics():
            metric.update_state(TRUTH, logits)
            found[metric.name] = float(metric.result())
        error = TRUTH - TOLD[..., 1]
        assert found == pytest.approx({"mse": np.square(error).mean(), "mae": np.abs(error).mean()}, rel=1e-5)


def test_answers_are_in_own_units():
    told = Forecasting(quantiles=LEVELS).answer(tf.constant(TOLD), STANDARD)
    expected = TOLD * IN_UNITS["scale"][:, None] + IN_UNITS["center"][:, None]
    np.testing.assert_allclose(told["quantiles"], expected, rtol=1e-5)
    np.testing.assert_allclose(told["forecast"], expected[..., 1], rtol=1e-5)
    assert set(Forecasting().answer(tf.constant(TOLD[..., 0]), OWN)) == {"forecast"}


def test_errors_are_in_the_targets_unit_and_percentages_in_own():
    forecast = (TOLD[..., 1] * IN_UNITS["scale"] + IN_UNITS["center"]).astype(np.float32)
    found = Forecasting().score({"forecast": forecast}, TRUTH, STANDARD)
    error = TRUTH - TOLD[..., 1]
    assert found["mse"] == pytest.approx(np.square(error).mean(), rel=1e-5)
    assert found["mae"] == found["loss"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    wanted = TRUTH * IN_UNITS["scale"] + IN_UNITS["center"]
    percent = [
        2 * abs(y - f) / (abs(y) + abs(f)) for y, f in zip(wanted.ravel(), forecast.ravel(), strict=True)
    ]  # fmt: skip
    assert found["smape"] == pytest.approx(np.mean(percent), rel=1e-5)


def test_smape_of_zeros_is_nothing_and_at_most_two():
    np.testing.assert_allclose(
        symmetric(np.array([0.0, 0.0, 5.0, 4.0]), np.array([0.0, 3.0, -5.0, 6.0])), [0, 2, 2, 0.4]
    )


def test_risks_and_coverage_of_quantiles():
    task = Forecasting(quantiles=LEVELS)
    quantiles = (TOLD * IN_UNITS["scale"][:, None] + IN_UNITS["center"][:, None]).astype(np.float32)
    found = task.score({"forecast": quantiles[..., 1], "quantiles": quantiles}, TRUTH, STANDARD)
    wanted = TRUTH * IN_UNITS["scale"] + IN_UNITS["center"]
    for at, level in enumerate(LEVELS):
        over = quantiles[..., at] - wanted
        loss = np.where(over > 0, (1 - level) * over, -level * over)
        assert found[f"p{round(100 * level)}"] == pytest.approx(2 * loss.sum() / np.abs(wanted).sum(), rel=1e-5)
    assert found["p50"] == pytest.approx(np.abs(quantiles[..., 1] - wanted).sum() / np.abs(wanted).sum(), rel=1e-5)
    within = (quantiles[..., 0] <= wanted) & (wanted <= quantiles[..., 2])
    assert found["coverage_80"] == pytest.approx(within.mean())
    pinball = [mean_pinball_loss(TRUTH.ravel(), TOLD[..., at].ravel(), alpha=level) for at, level in enumerate(LEVELS)]
    assert found["quantile_loss"] == pytest.approx(2 * np.mean(pinball), rel=1e-4)
    assert found["loss"] == pytest.approx(found["quantile_loss"])
    simple = task.score({"forecast": quantiles[..., 1]}, TRUTH, STANDARD)
    assert simple["p50"] == pytest.approx(found["p50"]) and "p90" not in simple and "coverage_80" not in simple


def season_of_three(steps: int = 33) -> np.ndarray:
    return np.tile([4.0, 7.0, 10.0], 20)[:steps] * (10 + 0.2 * np.arange(steps)) + np.random.default_rng(1).random(
        steps
    )


def told_once() -> tuple[Dataset, list[np.ndarray]]:
    values = [season_of_three(), season_of_three(27)[::-1].copy()]
    tables = [
        Table(times=tuple(map(str, range(len(one)))), names=(name,), values=one[:, None], season=3)
        for name, one in zip("ab", values, strict=True)
    ]
    cuts = [(len(one) - 8, len(one) - 4, len(one)) for one in values]
    about = {"name": "n", "version": "", "origin": "generated", "citation": "", "licence": ""}
    return as_dataset(tables, cuts, history(6, 4, alone=True), standardise=False, **about), values


def test_mase_and_owa_by_the_competitions_definitions():
    dataset, values = told_once()
    truth = np.stack([example["target"] for example in dataset.splits["test"].as_numpy_iterator()])
    forecast = (truth * np.array([1.1, 0.95])[:, None, None]).astype(np.float32)
    found = Forecasting().relative_score({"forecast": forecast}, truth, dataset.target, dataset.references["test"])
    mase, smape = {"own": [], "naive2": []}, {"own": [], "naive2": []}
    for one, told in zip(values, forecast, strict=True):
        given, wanted = one[:-4], one[-4:]
        scale = np.mean([abs(given[t] - given[t - 3]) for t in range(3, len(given))])
        for name, said in (("own", told[:, 0]), ("naive2", naive2(given, 3, 4))):
            mase[name].append(np.mean(np.abs(wanted - said)) / scale)
            smape[name].append(np.mean(2 * np.abs(wanted - said) / (np.abs(wanted) + np.abs(said))))
    assert found["mase"] == pytest.approx(np.mean(mase["own"]), rel=1e-5)
    owa = (np.mean(smape["own"]) / np.mean(smape["naive2"]) + np.mean(mase["own"]) / np.mean(mase["naive2"])) / 2
    assert found["owa"] == pytest.approx(owa, rel=1e-5)
    again = Forecasting().relative_score(
        {"forecast": dataset.references["test"]["naive2"]}, truth, dataset.target, dataset.references["test"]
    )
    assert again["owa"] == pytest.approx(1.0)


def test_series_that_repeat_themselves_exactly_have_no_scaled_error():
    error = scaled_error(TRUTH, TRUTH + 1, np.array([[2.0, 0.0]] * 6))
    assert error == pytest.approx(0.5)
    answers = {"forecast": TRUTH}
    assert Forecasting().relative_score(answers, TRUTH, OWN, {"seasonal_error": np.zeros((6, 2))}) == {}
    found = Forecasting().relative_score(answers, TRUTH, OWN, {"seasonal_error": np.ones((6, 2)), "naive2": TRUTH})
    assert found == {"mase": 0.0}  # Naive 2 is right, nothing can be over its error


@pytest.mark.parametrize(
    ("headline", "expected"),
    [
        ("mse", np.square(TOLD[..., 1] - TRUTH).mean(axis=(1, 2))),
        ("mae", np.abs(TOLD[..., 1] - TRUTH).mean(axis=(1, 2))),
        ("smape", (2 * np.abs(TOLD[..., 1] - TRUTH) / (np.abs(TOLD[..., 1]) + np.abs(TRUTH))).mean(axis=(1, 2))),
    ],
)
def test_example_scores_are_the_headline_window_by_window(headline, expected):
    task, answers = Forecasting(headline=headline), {"forecast": TOLD[..., 1]}
    found = task.example_scores(answers, TRUTH, OWN)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.mean() == pytest.approx(task.score(answers, TRUTH, OWN)[headline])


@pytest.mark.parametrize("known", [(), ("promo",)])
def test_forecasts_that_need_no_training(known):
    spec = target(known=known)
    past = DRAWS.normal(0, 1, (5, 8, 2)).astype(np.float32)
    windows = past
    if known:  # the windows go on, with zeros for the series
        windows = np.concatenate([past, np.zeros((5, 4, 2), np.float32)], axis=1)
        windows = np.concatenate([windows, DRAWS.normal(0, 1, (5, 12, 1)).astype(np.float32)], axis=2)
    found = Forecasting().beside(list(windows), spec)
    for window, last, seasonal in zip(
        past, found["last_value"]["forecast"], found["seasonal_naive"]["forecast"], strict=True
    ):
        np.testing.assert_array_equal(last, [window[7]] * 4)
        np.testing.assert_array_equal(seasonal, [window[5], window[6], window[7], window[5]])
    assert set(Forecasting().beside(list(windows), target(known=known, season=9))) == {"last_value"}


def test_table_of_windows():
    forecast = TRUTH * IN_UNITS["scale"] + IN_UNITS["center"]
    forecast[2, :, 1] += 60  # two standard deviations of the second series
    found = Forecasting().describe({"forecast": forecast.astype(np.float32)}, TRUTH, STANDARD)
    assert found["worst_series"][2] == "south"
    assert found["error_there"][2] == pytest.approx(2, abs=1e-3)
    assert found["badness"][2] == pytest.approx(1, abs=1e-3) == max(found["badness"])


def test_calibration_is_drawn_where_there_are_quantiles():
    (figure,) = Forecasting(quantiles=LEVELS).pictures({"quantiles": TOLD}, TRUTH, OWN).values()
    line = figure.axes[0].get_lines()[1]
    np.testing.assert_allclose(line.get_xdata(), LEVELS)
    np.testing.assert_allclose(line.get_ydata(), [(TOLD[..., at] >= TRUTH).mean() for at in range(3)])
    assert Forecasting().pictures({}, TRUTH, OWN) == {}
