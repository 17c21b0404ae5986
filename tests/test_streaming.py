"""A one-way transcriber answers as it listens what it answers to the whole sound."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import zoo
from zoo.chain import Chain
from zoo.cli import main
from zoo.export import description, export
from zoo.proof import prove
from zoo.recipe import Recipe
from zoo.serve import Model
from zoo.streaming import Stream, chunks, filled_up, obstacle
from zoo.types import Spec, UsageError

RATE = 8000
SOUND = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=RATE)
TEXT = Spec(name="text", kind="text", shape=(), dtype="string", axes=())


def made(stride: int = 4, one_way: bool = True, normalise: str = "train", tokens: str = "characters") -> Chain:
    """An untrained transcriber with weights so large that its answers are long."""
    keras.utils.set_random_seed(3)
    texts = [b"one two", b"three four", b"five"]
    sounds = [sound(number, 3000 + 700 * number) for number in range(3)]
    rows = {"id": [b"0", b"1", b"2"], "target": texts}
    train = tf.data.Dataset.from_tensor_slices({**rows, "input": tf.ragged.constant(sounds)})
    train = train.map(lambda row: {**row, "input": tf.convert_to_tensor(row["input"])})

    def network(features: Spec, target: Spec) -> keras.Model:
        return zoo.architectures.speech_transcriber(
            features, target, units=12, layers=2, width=16, channels=4, stride=stride, one_way=one_way
        )

    recipe = Recipe(
        input=SOUND,
        dataset=lambda source: None,
        sample=lambda source: None,
        frontend=lambda: zoo.layers.LogMel(rate_hz=RATE, mel=12, normalise=normalise),
        labels=lambda: zoo.layers.Characters(tokens=tokens),
        network=network,
        task=zoo.tasks.Transcription(),
        training=zoo.Training(epochs=1, batch_size=2, learning_rate=1e-3),
    )
    chain = Chain(recipe, SOUND, TEXT, train)
    for layer in chain.network.layers:
        if layer.name.startswith(("lstm", "logits")):
            layer.set_weights([4 * weight for weight in layer.get_weights()])
    return chain


def sound(seed: int, samples: int) -> np.ndarray:
    """Noise whose colour and loudness change all the time."""
    draws = np.random.default_rng(seed)
    level = np.repeat(np.exp(draws.uniform(-6, -1, samples // 300 + 1)), 300)[:samples]
    colour = np.repeat(draws.uniform(-1, 1, samples // 500 + 1), 500)[:samples]
    noise = draws.normal(size=samples) * level
    values = np.clip(noise + colour * np.roll(noise, 1), -1, 1)
    return (np.round(values * 32767) / 32768).astype(np.float32)  # what a file of 16 bits holds


def heard(stream: Stream, call: Callable, sounds: np.ndarray, cuts: list[int]) -> tuple[list[bytes], np.ndarray]:
    """Texts joined and the last scores of the calls that the cuts, counted in chunks, make of [batch, sample]."""
    state = np.zeros((len(sounds), stream.size), np.float32)
    ends = [*sorted(cuts), sounds.shape[1] // stream.chunk]
    texts, at = [b""] * len(sounds), 0
    for end in ends:
        if end > at:
            answer = call(tf.constant(sounds[:, at * stream.chunk : end * stream.chunk]), tf.constant(state))
            texts = [text + more for text, more in zip(texts, answer["text"].numpy(), strict=True)]
            state, at = answer["state"].numpy(), end
    return [text.strip() for text in texts], answer["score"].numpy()


@pytest.fixture(scope="module")
def models() -> dict[int, tuple[Chain, Stream]]:
    return {stride: (chain, Stream(chain)) for stride in (1, 2, 4) for chain in [made(stride)]}


@pytest.fixture(scope="module")
def compiled(models) -> dict[int, Callable]:
    return {stride: tf.function(stream.__call__, stream.signature) for stride, (_, stream) in models.items()}


@settings(max_examples=25, deadline=None)
@given(
    stride=st.sampled_from([1, 2, 4]),
    samples=st.integers(1, 9000),
    seed=st.integers(0, 1000),
    cuts=st.lists(st.integers(1, 100), max_size=8),
)
def test_any_chunking_answers_as_the_whole(models, compiled, stride: int, samples: int, seed: int, cuts: list[int]):
    chain, stream = models[stride]
    whole = sound(seed, samples)
    offline = chain.function()(whole[None], np.array([samples], np.int32))
    fed = filled_up(whole, stream.description())
    assert len(fed) == chunks(samples, stream.description()) * stream.chunk
    cuts = [cut for cut in cuts if cut < len(fed) // stream.chunk]
    text, score = heard(stream, compiled[stride], fed[None], cuts)
    np.testing.assert_allclose(score, offline["score"], atol=1e-4)
    assert text == offline["text"].numpy().tolist()


def test_answers_of_the_test_model_are_long(models):
    said = models[4][0].function()(sound(1, 8000)[None], np.array([8000], np.int32))["text"].numpy()[0]
    assert len(set(said)) > 4
    assert len(said) > 5


def test_rows_of_a_batch_may_be_at_different_places(models, compiled):
    chain, stream = models[2]
    whole = sound(5, 6000)
    long = filled_up(whole, stream.description())
    late = sound(6, len(long) - 15 * stream.chunk)
    alone = heard(stream, compiled[2], late[None], [3, 10])
    call, state = compiled[2], np.zeros((2, stream.size), np.float32)
    state[:1] = call(long[None, : 15 * stream.chunk], state[:1])["state"]
    together = call(np.stack([long[15 * stream.chunk :], late]), state)
    assert together["text"].numpy()[1].strip() == alone[0][0]
    np.testing.assert_allclose(together["score"][1], alone[1][0], atol=1e-5)
    offline = chain.function()(whole[None], np.array([len(whole)], np.int32))
    np.testing.assert_allclose(together["score"][0], offline["score"][0], atol=1e-4)


def test_words_come_with_spaces_between():
    chain = made(tokens="words")
    stream = Stream(chain)
    whole = sound(2, 12000)
    text, _ = heard(stream, stream, filled_up(whole, stream.description())[None], [4, 5, 11])
    assert text[0].count(b" ") > 1
    assert text[0] == chain.function()(whole[None], np.array([12000], np.int32))["text"].numpy()[0]


def test_state_says_its_size_in_the_description(models):
    stream = models[4][1]
    # count, score and class; 320 samples of a chunk less an 80-sample hop; a past step of 12 bands and one of 6 x 4
    assert stream.description() == {
        "state": 3 + 240 + 12 + 24 + 2 * 2 * 12,
        "chunk": 320,
        "frame": 200,
        "hop": 80,
        "stride": 4,
    }


@pytest.mark.parametrize("samples", [0, 319, 321])
def test_a_chunk_of_another_size_is_refused(models, compiled, samples: int):
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be a multiple of"):
        compiled[4](np.zeros((1, samples), np.float32), np.zeros((1, models[4][1].size), np.float32))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"one_way": False}, r"^lstm_1, lstm_2 read from both ends, .* Train it with `one_way=True`$"),
        ({"normalise": "clip"}, r"^its features are normalised by the whole clip. Give LogMel `normalise='train'`"),
        ({}, "^$"),
    ],
)
def test_what_keeps_a_model_from_streaming_is_said(changes: dict, reason: str):
    assert re.search(reason, obstacle(made(**changes)))


def test_a_model_of_something_else_does_not_stream():
    recipe = zoo.catalog.load(zoo.catalog.find("spoken_digits"), {"units": 4, "layers": 1})
    labels = Spec(name="label", kind="label", shape=(), dtype="int64", axes=(), classes=("no", "yes"))
    assert obstacle(Chain(recipe, recipe.input, labels)).startswith("it is no transcriber of speech ")


@pytest.fixture(scope="module")
def exported(models, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream") / "export"
    chain = models[4][0]
    sounds = [sound(number, size) for number, size in enumerate((9000, 1, 500, 2561))]
    truth = np.array([b"one"] * 4, object)
    answers = [chain.function()(each[None], np.array([len(each)], np.int32)) for each in sounds]
    expected = {name: np.concatenate([answer[name].numpy() for answer in answers]) for name in answers[0]}
    proof = export(chain, folder, examples=sounds, truth=truth, expected=expected)
    assert proof.faults == []
    return folder


def test_an_export_streams_and_is_proved_to(exported: Path, models):
    chain, stream = models[4]
    assert json.loads((exported / "model.json").read_text())["stream"] == stream.description()
    call = tf.saved_model.load(str(exported)).signatures["stream"]
    whole = sound(9, 7777)
    fed = filled_up(whole, stream.description())
    text, score = heard(stream, lambda samples, state: call(samples=samples, state=state), fed[None], [1, 2, 7])
    offline = chain.function()(whole[None], np.array([7777], np.int32))
    assert text == offline["text"].numpy().tolist()
    np.testing.assert_allclose(score, offline["score"], atol=1e-4)


def test_a_stream_that_says_something_else_fails_the_proof(models, exported: Path, monkeypatch):
    chain, whole = models[4][0], sound(9, 7777)
    answers = chain.function()(whole[None], np.array([7777], np.int32))
    expected = {name: value.numpy() for name, value in answers.items()}
    monkeypatch.setattr("zoo.proof.filled_up", lambda samples, about: filled_up(samples[::-1], about))
    proof = prove(chain, exported, examples=[whole], truth=np.array([b"one"], object), expected=expected)
    assert len(proof.faults) == 2
    assert proof.faults[0] == "1 of 1 texts as a stream are others"
    assert proof.faults[1].startswith("score as a stream differs by up to 0.")


def test_a_file_is_heard_in_tenths_of_a_second(exported: Path, tmp_path: Path):
    soundfile.write(tmp_path / "talk.wav", sound(4, 16000), RATE, subtype="PCM_16")
    model = Model.load(str(exported))
    *partial, last = model.listen(tmp_path / "talk.wav")
    assert len(partial) > 3
    assert all(row["file"] == last["file"] == str(tmp_path / "talk.wav") for row in partial)
    assert [row["seconds"] for row in partial] == sorted({row["seconds"] for row in partial})
    assert all(round(row["seconds"] * 10, 6).is_integer() for row in partial[:-1])
    [whole] = model.predict([tmp_path / "talk.wav"])
    assert last["text"] == partial[-1]["text"] == whole["text"]
    assert last["score"] == pytest.approx(whole["score"], abs=1e-4)
    assert last["seconds"] == 2.0
    assert 0 < last["real_time_factor"] < 50
    assert 0 < last["latency_ms"]["p50"] <= last["latency_ms"]["p95"]


def test_the_command_prints_what_is_known_so_far(exported: Path, tmp_path: Path, capfd):
    soundfile.write(tmp_path / "talk.wav", sound(4, 8000), RATE, subtype="PCM_16")
    assert main(["predict", str(exported), str(tmp_path / "talk.wav"), "--stream"]) == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert len(rows) > 2
    assert rows[-1]["text"] == rows[-2]["text"]
    assert "latency_ms" in rows[-1]


def test_a_model_that_reads_both_ways_is_refused(tmp_path: Path):
    about = description(made(one_way=False))
    with pytest.raises(
        UsageError, match=r"`--stream` needs .* lstm_1, lstm_2 read from both ends, .*`one_way=True`\.$"
    ):
        Model(tmp_path, about, None).listen(tmp_path / "talk.wav")


def test_a_model_of_something_else_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"cannot: it is no transcriber of speech. Take a recipe for that\.$"):
        Model(tmp_path, {"task": "classification"}, None).listen(tmp_path / "talk.wav")
