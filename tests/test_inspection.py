"""The whole view into a run: picture, page, numbers, command."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from conftest import SETTINGS, Recorded
from matplotlib.figure import Figure
from mlflow.artifacts import list_artifacts
from test_inspection_gates import chain_of

import zoo
from zoo import cli, tracking
from zoo.datasets import adding
from zoo.inspection import inspect, pictures
from zoo.inspection.examples import Example, read
from zoo.inspection.gates import Look, look
from zoo.mend import mend
from zoo.types import RunError, UsageError


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """A sequence of the adding problem as a user would give it."""
    pairs, _ = adding.generate(1, 20, seed=1)
    file = tmp_path_factory.mktemp("table") / "sum.csv"
    rows = [f"{number:.6f},{marker:g}" for number, marker in pairs[0]]
    file.write_text("\n".join(["number,marker", *rows]) + "\n")
    return file


@pytest.fixture(scope="module")
def recorded(recorded: Recorded, tmp_path_factory) -> Recorded:
    """A copy of the finished runs, to log beside them."""
    folder = shutil.copytree(recorded.folder, tmp_path_factory.mktemp("copied") / "record")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert mend()
    return dataclasses.replace(recorded, folder=folder)


@pytest.fixture(scope="module")
def plain(recorded: Recorded) -> str:
    """The name of a run of the same recipe with a plain recurrent layer, beside the recorded ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(recorded.folder)
        zoo.run("adding", sample=True, limit=32, progress="silent", name="plain", cell="rnn", **SETTINGS)
    return "plain"


class Page(HTMLParser):
    """What a page loads and what it says."""

    def __init__(self, text: str):
        super().__init__()
        self.loaded, self.said, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.loaded += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def test_picture_and_page_of_a_run(standing: Recorded, table: Path, tmp_path: Path):
    found = inspect("tiny", str(table), folder=tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["sum.inspect.html", "sum.inspect.png"]
    assert found["run_id"] == standing.tiny.run_id
    (layer,) = found["layers"]
    assert (layer["layer"], layer["units"], layer["span_unit"]) == ("lstm", 4, "steps")
    assert layer["steps"] == len(table.read_text().splitlines()) - 1
    assert layer["difference"] < 1e-6 and 0.5 < layer["median_span"] < 50
    assert matplotlib.image.imread(found["picture"]).shape[0] > 800
    page = Page(Path(found["page"]).read_text())
    assert page.open == []
    assert len(page.loaded) == 1  # one layer, one picture, and nothing from elsewhere
    head, content = page.loaded[0].split(",")
    assert head == "data:image/png;base64"
    assert matplotlib.image.imread(io.BytesIO(base64.b64decode(content)), format="png").ndim == 3
    said = " ".join(page.said)
    assert found["answer"] in said and "sum.csv" in said and standing.tiny.run_id in said


def test_the_answer_is_the_exports(standing: Recorded, table: Path, tmp_path: Path):
    import tensorflow as tf

    rows = np.loadtxt(table, np.float32, delimiter=",", skiprows=1)
    export = tf.saved_model.load(standing.tiny.export).signatures["serving_default"]
    value = float(export(values=tf.constant(rows[None]), length=tf.constant([len(rows)]))["value"][0])
    assert float(inspect("tiny", str(table), folder=tmp_path)["answer"]) == pytest.approx(value, abs=1e-4)


def test_the_gradient_of_another_run_is_drawn_beside(standing: Recorded, plain: str, table: Path, tmp_path: Path):
    found = inspect("tiny", str(table), beside=plain, folder=tmp_path)
    assert "beside plain" in " ".join(Page(Path(found["page"]).read_text()).said)


def test_both_files_are_logged_when_asked(standing: Recorded, table: Path, tmp_path: Path):
    run_id = zoo.run("adding", sample=True, limit=32, progress="silent", name="logged", **SETTINGS).run_id
    inspect("logged", str(table), folder=tmp_path)
    tracking.open_store()
    assert list_artifacts(run_id=run_id, artifact_path="inspect") == []
    inspect("logged", str(table), folder=tmp_path, log=True)
    logged = {each.path for each in list_artifacts(run_id=run_id, artifact_path="inspect")}
    assert logged == {"inspect/sum.inspect.png", "inspect/sum.inspect.html"}


def test_a_run_without_an_lstm_is_refused(standing: Recorded, plain: str, table: Path, tmp_path: Path):
    message = "`RUN` must have an LSTM layer, and plain has none; name it with --beside one that has"
    with pytest.raises(UsageError, match=message):
        inspect(plain, str(table), folder=tmp_path)


def test_a_run_of_another_input_cannot_stand_beside(standing: Recorded, table: Path, tmp_path: Path, monkeypatch):
    other, _ = chain_of("temporal_order")
    chains = iter([zoo.kept.chain(standing.tiny.run_id), other])
    monkeypatch.setattr("zoo.inspection.kept.chain", lambda run_id: next(chains))
    message = r"`--beside` must take the same input, pairs: float32\[step, column=2\], and whole takes symbols: "
    with pytest.raises(UsageError, match=message):
        inspect("tiny", str(table), beside="whole", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_kept_nothing_is_refused(standing: Recorded, table: Path, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("ZOO_RUNS", str(tmp_path))
    with pytest.raises(RunError, match="has no kept network in"):
        inspect("tiny", str(table), folder=tmp_path)


def test_command(standing: Recorded, plain: str, table: Path, capsys):
    assert cli.main(["inspect", "tiny", str(table), "--beside", plain]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"lstm +4 +2\d +[\d.]+ steps +[\d.e-]+", shown)
    assert "picture  sum.inspect.png" in shown and "page     sum.inspect.html" in shown
    assert Path("sum.inspect.png").exists() and Path("sum.inspect.html").exists()
    assert cli.main(["inspect", "tiny", str(table), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"][0]["units"] == 4
    assert cli.main(["inspect", "tiny", "nothing.csv"]) == 2
    assert "error: `FILE` must be a file with pairs: float32[step, column=2]" in capsys.readouterr().err


def seen_of(name: str, item: str, **settings: object) -> tuple[Example, Look]:
    chain, _ = chain_of(name, **settings)
    example = read(chain, item)
    return example, look(chain, example.values, example.length)


def test_heat_maps_have_all_units_sorted_by_span(table: Path):
    example, seen = seen_of("adding", str(table), units=7, chrono=True)
    (reading,) = seen.readings
    figure = pictures.figure_of(example, seen, seen.readings, {}, "run")
    heat = {axes.get_ylabel(): axes.images[0].get_array() for axes in figure.axes if axes.images}
    order = np.argsort(-reading.spans)
    for name, label in pictures.HEAT.items():
        values = reading.gates.get(name, getattr(reading, name, None))
        np.testing.assert_array_equal(heat[label], values[:, order].T)
    ends = [axes.images[0].get_extent() for axes in figure.axes if axes.images]
    assert set(map(tuple, ends)) == {(0.0, float(example.extent), 7, 0)}  # as wide as the example
    spans = next(axes for axes in figure.axes if axes.get_ylabel() == "span, steps")
    np.testing.assert_allclose([bar.get_height() for bar in spans.patches], np.sort(reading.spans)[::-1])


def test_a_cell_that_counts_leaves_the_others_their_colour(table: Path):
    example, seen = seen_of("adding", str(table), units=7)
    cell = np.full_like(seen.readings[0].cell, 0.5)
    cell[:, 3] = np.linspace(0, 100, len(cell))
    reading = dataclasses.replace(seen.readings[0], cell=cell)
    figure = pictures.figure_of(example, seen, [reading], {}, "run")
    scale = next(axes.images[0].norm for axes in figure.axes if axes.get_ylabel() == "cell")
    assert (scale.vmin, scale.vmax) == (-100, 100)
    np.testing.assert_allclose(scale([-100, 0, 0.5]), [0, 0.5, 0.5 + 0.5 * np.arcsinh(0.5) / np.arcsinh(100)])


def test_gradients_of_two_runs_have_one_logarithmic_axis(table: Path):
    example, seen = seen_of("adding", str(table))
    _, other = seen_of("adding", str(table), cell="rnn")
    axes = Figure().subplots()
    pictures.draw_gradient(axes, example, {"lstm": seen, "rnn": other})
    assert axes.get_yscale() == "log"
    assert [line.get_label() for line in axes.get_lines()] == ["lstm", "rnn"]
    np.testing.assert_allclose(axes.get_lines()[1].get_ydata(), other.gradient)
    np.testing.assert_allclose(axes.get_lines()[0].get_xdata(), np.arange(len(seen.gradient)) + 0.5)


def test_words_stand_over_their_steps_and_spans_are_in_words():
    example, seen = seen_of("sst2", "not a good film")
    figure = pictures.figure_of(example, seen, seen.readings, {}, "run")
    assert [axes.get_title() for axes in figure.axes[:2]] == ["lstm_1_1, forwards", "lstm_1_1, backwards"]
    for axes in figure.axes[:2]:
        words = [(text.get_position()[0], text.get_text()) for text in axes.texts]
        assert words == [(0.5, "not"), (1.5, "a"), (2.5, "good"), (3.5, "film")]
    assert pictures.spans_of(example, seen, seen.readings[0])[1] == "words"


def test_letters_stand_upright():
    example, seen = seen_of("temporal_order", "EabXcdYaB")
    figure = pictures.figure_of(example, seen, seen.readings, {}, "run")
    letters = [(text.get_position(), text.get_text(), text.get_rotation()) for text in figure.axes[0].texts]
    assert letters == [((place + 0.5, 0.5), letter, 0) for place, letter in enumerate("EabXcdYaB")]


def test_spans_of_sound_are_in_milliseconds(tmp_path: Path):
    import soundfile

    soundfile.write(tmp_path / "word.wav", np.random.default_rng(0).normal(0, 0.1, 4000), 8000)
    example, seen = seen_of("spoken_digits", str(tmp_path / "word.wav"), layers=1)
    spans, unit = pictures.spans_of(example, seen, seen.readings[0])
    assert unit == "ms"
    step_ms = 500 / len(seen.readings[0].hidden)  # of half a second
    np.testing.assert_allclose(spans, seen.readings[0].spans * step_ms)


def test_what_a_translator_wrote_stands_over_its_decoders():
    example, seen = seen_of("multi30k", "badofi gu", source_pieces=60, target_pieces=60)
    telling = [reading for reading in seen.readings if reading.answering]
    figure = pictures.figure_of(example, seen, telling, {}, "run")
    assert [text.get_text() for text in figure.axes[0].texts] == seen.written
    assert pictures.spans_of(example, seen, telling[0])[1] == "pieces"
