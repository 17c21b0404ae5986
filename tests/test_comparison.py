"""Several runs: spread over seeds, tests on the same examples, curves, page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from mlflow import MlflowClient

import zoo
from zoo import cli, comparison, comparison_page, tracking
from zoo.types import UsageError

CURVE = [0.5, 0.7, 0.8]


def recorded(
    client: MlflowClient,
    name: str,
    metrics: Mapping[str, float],
    scores: Sequence[float] | None = None,
    blocks: Sequence[int] | None = None,
    data: str = "real",
    metric: str = "accuracy",
    **params: object,
) -> str:
    run = client.create_run(tracking.experiment(client, "adding"), run_name=name)
    run_id = run.info.run_id
    client.set_tag(run_id, tracking.RECIPE_TAG, "adding")
    client.set_tag(run_id, tracking.DATA_TAG, data)
    for key, value in params.items():
        client.log_param(run_id, key, value)
    for key, value in metrics.items():
        client.log_metric(run_id, key, value)
    for epoch, value in enumerate(CURVE, start=1):
        client.log_metric(run_id, "val_accuracy", value + metrics["test_accuracy"], step=epoch)
    if scores is not None:
        numbers = range(len(scores)) if blocks is None else blocks
        rows = [f"x{i},{block},{score:g}" for i, (block, score) in enumerate(zip(numbers, scores, strict=True))]
        client.log_text(run_id, f"id,block,{metric}\n" + "\n".join(rows) + "\n", comparison.SCORES)
    client.set_terminated(run_id)
    return run_id


@pytest.fixture
def client(place: Path) -> MlflowClient:
    return tracking.open_store()


def test_runs_that_differ_in_their_seed_alone_are_one_group(client: MlflowClient):
    for seed, value in enumerate([0.7, 0.8, 0.9]):
        recorded(client, f"small {seed}", {"test_accuracy": value}, units=8, seed=seed)
    recorded(client, "large", {"test_accuracy": 0.95}, units=64, seed=0)
    recorded(client, "tried", {"test_accuracy": 0.1}, data="sample", units=8, seed=4)
    found = zoo.compare(["adding"])
    assert [row["name"] for row in found["runs"]] == ["small 0", "small 1", "small 2", "large"]
    small, large = found["groups"]
    assert (small["settings"], large["settings"]) == ({"units": "8"}, {"units": "64"})
    assert small["runs"] == [row["run_id"] for row in found["runs"][:3]]
    told = small["metrics"]["test_accuracy"]
    assert (told["mean"], told["deviation"], told["count"]) == (pytest.approx(0.8), pytest.approx(0.1), 3)
    reach = 4.302652729911275 * 0.1 / 3**0.5  # Student's t with two degrees of freedom, from a table
    assert (told["low"], told["high"]) == (pytest.approx(0.8 - reach), pytest.approx(0.8 + reach))
    assert large["metrics"]["test_accuracy"] == {"mean": 0.95, "count": 1}


def test_two_runs_are_tested_on_the_same_examples(client: MlflowClient):
    before = np.array([1] * 30 + [0] * 12 + [1] * 2)
    after = np.array([1] * 30 + [1] * 9 + [0] * 3 + [0] * 2)
    one = recorded(client, "one", {"test_accuracy": 0.6}, before)
    other = recorded(client, "other", {"test_accuracy": 0.8}, after)
    recorded(client, "untested", {"test_accuracy": 0.8})
    (pair,) = zoo.compare(["one", "other", "untested"])["pairs"]
    assert pair["runs"] == [one, other] and (pair["metric"], pair["examples"]) == ("accuracy", 44)
    assert pair["difference"] == pytest.approx(7 / 44)
    assert pair["low"] < 7 / 44 < pair["high"]
    assert pair["p"] == pytest.approx(2 * sum((1, 11, 55)) / 2**11)  # two heads or fewer of eleven, both sides
    assert pair["to_right"] == [f"x{i}" for i in range(30, 39)] and pair["to_wrong"] == ["x42", "x43"]


def test_windows_that_overlap_are_drawn_together(client: MlflowClient):
    draws = np.random.default_rng(0)
    shared = np.repeat(draws.normal(0.1, 1, 20), 10)
    zeros = np.zeros(200)
    recorded(client, "one", {"test_accuracy": 0.6}, zeros, np.arange(200) // 10, metric="mse")
    recorded(client, "other", {"test_accuracy": 0.6}, shared, np.arange(200) // 10, metric="mse")
    recorded(client, "apart", {"test_accuracy": 0.6}, zeros, np.arange(200), metric="mse")
    (pair,) = zoo.compare(["one", "other"])["pairs"]
    assert "p" not in pair and "to_right" not in pair
    (naive,) = zoo.compare(["apart", "other"])["pairs"]
    assert pair["difference"] == pytest.approx(naive["difference"])
    assert pair["high"] - pair["low"] > 2 * (naive["high"] - naive["low"])


def test_curves_and_page(client: MlflowClient, place: Path, capsys: pytest.CaptureFixture):
    ids = [
        recorded(client, "lstm <b>", {"test_accuracy": 0.9}, [1, 1, 1, 0], cell="lstm"),
        recorded(client, "rnn", {"test_accuracy": 0.5}, [1, 0, 0, 1], cell="rnn"),
    ]
    drawn = comparison.curves(ids)
    assert list(drawn) == ["val_accuracy"]
    assert drawn["val_accuracy"] == {ids[0]: pytest.approx([1.4, 1.6, 1.7]), ids[1]: pytest.approx([1.0, 1.2, 1.3])}
    figure = comparison_page.curves_of(drawn, {ids[0]: "lstm", ids[1]: "rnn"})
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [drawn["val_accuracy"][each] for each in ids]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["lstm", "rnn"]

    command = ["compare", *ids, "--curves", str(place / "c.png"), "--html", str(place / "c.html")]
    assert cli.main(command) == 0
    out = capsys.readouterr().out
    assert "rnn against lstm <b>: accuracy differs by -0.2500 (" in out and "1 went from wrong to right" in out
    assert matplotlib.image.imread(place / "c.png").ndim == 3
    page = (place / "c.html").read_text()
    assert "lstm &lt;b&gt;" in page and "<b>" not in page and 'src="data:image/png;base64,' in page
    assert cli.main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"] == {"cell": ["lstm", "rnn"]}


def test_one_run_is_nothing_to_compare(client: MlflowClient):
    recorded(client, "one", {"test_accuracy": 0.6})
    message = r"`RUN` must be given at least twice to compare, or a recipe with two finished runs; 'adding' has 1\."
    with pytest.raises(UsageError, match=message):
        zoo.compare(["adding"])
    with pytest.raises(UsageError, match="to compare, got none"):
        zoo.compare([])
