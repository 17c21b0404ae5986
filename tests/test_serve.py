from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf
from conftest import Recorded

import zoo
from zoo import catalog
from zoo.chain import Chain
from zoo.check import random_data
from zoo.export import save
from zoo.inputs.audio import read_audio, wav_bytes
from zoo.serve import Model, predict, serve
from zoo.types import RunError, Spec, UsageError

LABELS = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no", "yes", "maybe"))
PAIRS = np.random.default_rng(0).uniform(-1, 1, (2, 7, 2)).astype(np.float32)
LENGTH = np.array([7, 4], np.int32)
PACKED = {"inputs": {"values": PAIRS.tolist(), "length": LENGTH.tolist()}}


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of an untrained network for words; what it answers does not matter, only that it is the same."""
    keras.utils.set_random_seed(2)
    recipe = catalog.load(catalog.find("spoken_digits"), {"units": 4, "layers": 1, "heads": 2, "mel": 8})
    folder = tmp_path_factory.mktemp("words") / "export"
    chain = Chain(recipe, recipe.input, LABELS)
    chain.function()  # builds the frontend
    save(chain, folder)
    return folder


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same kind of noise as mono at the model's rate, stereo at another, and FLAC."""
    folder = tmp_path_factory.mktemp("recordings")
    draws = np.random.default_rng(1)
    files = [folder / "mono.wav", folder / "stereo.wav", folder / "short.flac"]
    soundfile.write(files[0], draws.normal(0, 0.1, 4000), 8000, subtype="PCM_16")
    soundfile.write(files[1], draws.normal(0, 0.1, (22050, 2)), 44100, subtype="PCM_16")
    soundfile.write(files[2], draws.normal(0, 0.1, 900), 16000)
    return files


def test_files_get_the_answers_of_the_savedmodel(words: Path, recordings: list[Path]):
    answers = Model.load(str(words)).predict(recordings)
    assert [answer["file"] for answer in answers] == [str(file) for file in recordings]
    call = tf.saved_model.load(str(words)).signatures["serving_default"]
    for answer, file in zip(answers, recordings, strict=True):
        alone = call(audio=tf.constant([wav_bytes(read_audio(file, 8000), 8000)]))
        assert answer["label"] == alone["label"].numpy()[0].decode() in LABELS.classes
        assert list(answer["scores"]) == list(LABELS.classes)
        # through 16 bits, which rounds what was resampled
        np.testing.assert_allclose(list(answer["scores"].values()), alone["scores"][0], atol=1e-3)
        assert answer["score"] == pytest.approx(max(answer["scores"].values()), abs=1e-5)
        json.dumps(answer)


def test_more_files_than_a_batch_stay_in_order(words: Path, recordings: list[Path]):
    model = Model.load(str(words))
    many = model.predict([*recordings] * 12)
    for number, answer in enumerate(many):
        assert answer["file"] == str(recordings[number % 3])
        assert answer["score"] == pytest.approx(many[number % 3]["score"], abs=1e-5)


def test_every_bad_file_is_named(words: Path, recordings: list[Path], tmp_path: Path):
    rubbish = tmp_path / "rubbish.wav"
    rubbish.write_text("no audio")
    missing = tmp_path / "missing.wav"
    with pytest.raises(UsageError) as caught:
        Model.load(str(words)).predict([missing, recordings[0], rubbish, tmp_path])
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[0] == f"`{missing}` does not exist; give the path of an audio file."
    assert lines[1].startswith(f"`{rubbish}`: not audio that can be read")
    assert lines[2] == f"`{tmp_path}` is a folder; give the path of an audio file."


def test_an_export_is_loaded_by_run_and_by_folder(standing: Recorded):
    for reference in ("tiny", standing.tiny.run_id[:12], standing.tiny.export):
        model = zoo.load(reference)
        assert str(model.folder) == standing.tiny.export
        assert model.about["input"] == "pairs: float32[step, column=2]"
    assert str(zoo.load().folder) == standing.whole.export


def test_a_model_that_takes_no_files_says_what_it_takes(standing: Recorded, tmp_path: Path):
    with pytest.raises(UsageError, match=r"cannot be read for this model: it takes pairs: float32\[step, column=2\]"):
        standing.tiny.predict([str(tmp_path / "a.csv")])


def test_a_model_that_does_not_forecast_has_no_backtest(standing: Recorded):
    with pytest.raises(UsageError, match=r"must forecast series, and it takes pairs: float32\[step, column=2\]"):
        predict("tiny", ["t.csv"], cutoffs=2)


def test_a_savedmodel_of_another_origin_is_refused(tmp_path: Path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "other"))
    with pytest.raises(UsageError, match=r"must be an export of the zoo, and it has no model.json. Use `zoo export`"):
        Model.load(str(tmp_path / "other"))


def test_a_run_that_is_not_there_is_refused(standing: Recorded):
    with pytest.raises(UsageError, match="`RUN` must be a run, got 'nothing'"):
        zoo.load("nothing")


def test_a_port_in_use_is_refused(standing: Recorded):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"`--port` must be free, and something listens on 127.0.0.1:{port}"):
            serve("tiny", port=port)


def test_a_model_that_was_never_registered_is_refused(place: Path):
    with pytest.raises(RunError, match="models:/nothing/1 cannot be loaded: "):
        serve("models:/nothing/1", port=free_port())


def test_plain_tensorflow_loads_and_answers(standing: Recorded, tmp_path: Path):
    code = (
        "import sys; sys.modules['zoo'] = sys.modules['keras'] = None\n"
        "import numpy, tensorflow as tf\n"
        "call = tf.saved_model.load(sys.argv[1]).signatures['serving_default']\n"
        "given = numpy.load(sys.argv[2])\n"
        "print(call(values=given['values'], length=given['length'])['value'].numpy().tolist())\n"
    )
    np.savez(tmp_path / "given.npz", values=PAIRS, length=LENGTH)
    command = [sys.executable, "-c", code, standing.tiny.export, str(tmp_path / "given.npz")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    np.testing.assert_allclose(json.loads(done.stdout), expected(standing), atol=1e-6)


def expected(recorded: Recorded) -> np.ndarray:
    call = tf.saved_model.load(recorded.tiny.export).signatures["serving_default"]
    return call(values=tf.constant(PAIRS), length=tf.constant(LENGTH))["value"].numpy()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(address: str, body: object) -> dict:
    request = urllib.request.Request(
        f"{address}/invocations", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.loads(response.read())


@contextmanager
def served(command: list[str], folder: Path) -> Iterator[str]:
    """The address of a server, once it answers /ping."""
    port = free_port()
    log = (folder / f"server-{port}.txt").open("w+")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # MLflow starts uvicorn by name
    environment = {**os.environ, "PATH": path}
    process = subprocess.Popen([*command, "--port", str(port)], cwd=folder, stdout=log, stderr=log, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(180):
            assert process.poll() is None, Path(log.name).read_text()
            try:
                with urllib.request.urlopen(f"{address}/ping", timeout=2) as response:
                    assert response.status == 200
                break
            except OSError:
                time.sleep(1)
        else:
            raise TimeoutError(Path(log.name).read_text())
        yield address
    finally:
        process.terminate()
        process.wait(timeout=60)
        log.close()


@pytest.mark.slow
def test_zoo_serve_answers_over_http(standing: Recorded):
    with served([sys.executable, "-m", "zoo", "serve", "tiny"], standing.folder) as address:
        rows = post(address, PACKED)["predictions"]
        np.testing.assert_allclose([row["value"] for row in rows], expected(standing), atol=1e-6)
        with pytest.raises(urllib.error.HTTPError) as caught:
            post(address, {"inputs": {"values": "rubbish"}})
        caught.value.close()
        assert 400 <= caught.value.code <= 500
        assert post(address, PACKED)["predictions"] == rows  # and it is still there


@pytest.mark.slow
def test_mlflow_models_serve_answers_the_same(standing: Recorded, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{standing.folder}/mlflow.db")
    model = f"runs:/{standing.tiny.run_id}/model"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local", "-m", model]
    with served(command, standing.folder) as address:
        rows = post(address, PACKED)["predictions"]
        np.testing.assert_allclose([row["value"] for row in rows], expected(standing), atol=1e-6)


@pytest.mark.slow
def test_audio_travels_as_base64(place: Path, recordings: list[Path]):
    settings = {"units": 4, "layers": 1, "heads": 2, "mel": 8, "variants": 1, "epochs": 1}
    run = zoo.run("spoken_digits", sample=True, limit=20, progress="silent", **settings)
    content = wav_bytes(read_audio(recordings[0], 8000), 8000)
    body = {"dataframe_split": {"columns": ["audio"], "data": [[base64.b64encode(content).decode()]]}}
    with served([sys.executable, "-m", "zoo", "serve", run.run_id], place) as address:
        (answer,) = post(address, body)["predictions"]
    (here,) = run.predict([str(recordings[0])])
    assert answer["label"] == here["label"]
    np.testing.assert_allclose(answer["scores"], list(here["scores"].values()), atol=1e-4)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of an untrained network for texts."""
    keras.utils.set_random_seed(2)
    recipe = catalog.load(catalog.find("sst2"), {"units": 4, "embedding": 4, "buckets": 50})
    data = random_data(recipe)
    folder = tmp_path_factory.mktemp("texts") / "export"
    chain = Chain(recipe, data.input, data.target, data.splits["train"])
    chain.function()  # builds the frontend
    save(chain, folder)
    return folder


def test_texts_get_answers_alone_as_in_a_batch(texts, tmp_path):
    file = tmp_path / "reviews.txt"
    file.write_text("babu kela\n\nMOLA, nudo!\n")
    model = Model.load(str(texts))
    long = "bado " * 5_000
    given = ["What a film!", "", " \t", "\U0001f600", long, str(file)]
    rows = model.predict(given)
    assert [row["text"] for row in rows] == [*given[:5], "babu kela", "MOLA, nudo!"]
    assert [row.get("file") for row in rows] == [None] * 5 + [f"{file}:1", f"{file}:3"]
    for row in rows:
        assert row["label"] == max(row["scores"], key=row["scores"].get)
        assert sum(row["scores"].values()) == pytest.approx(1, abs=1e-5)
        alone = model.predict([row["text"]])[0]
        assert alone["label"] == row["label"]
        assert alone["scores"] == pytest.approx(row["scores"], abs=1e-5)


def test_every_file_that_cannot_be_read_is_named(texts):
    with pytest.raises(UsageError, match=r"`one\.txt` does not exist(.|\n)*`two\.csv` does not exist"):
        Model.load(str(texts)).predict(["one.txt", "good", "two.csv"])
