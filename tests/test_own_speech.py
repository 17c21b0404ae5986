"""Own transcribed audio with all that users bring, through the recipes that learn from it."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile

import zoo
from zoo import catalog, features
from zoo.chain import Chain, answer_all
from zoo.datasets import own
from zoo.types import BadData, Spec

AUDIO = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=16_000)
FILES = {  # name to (rate, channels, subtype, seconds)
    "mono.wav": (16_000, 1, "PCM_16", 1.0),
    "stereo.wav": (44_100, 2, "PCM_16", 1.5),
    "deep.wav": (48_000, 1, "PCM_24", 1.0),
    "float.wav": (22_050, 2, "FLOAT", 1.2),
    "phone.wav": (8_000, 1, "ULAW", 2.0),
    "free.flac": (16_000, 1, "PCM_16", 1.0),
    "deep.flac": (96_000, 2, "PCM_24", 0.8),
    "compressed.mp3": (44_100, 2, None, 1.5),
    "vorbis.ogg": (32_000, 1, None, 1.0),
    "silent.wav": (16_000, 1, "PCM_16", 12.0),
    "long.mp3": (16_000, 1, None, 75.0),
}
TEXTS = ["Call 555-0199, please!", "naïve café", "ONE", "it's 3.5 %", "  two   words ", "«да»"]


def tone(seconds: float, rate: int, channels: int) -> np.ndarray:
    """A tone of 440 Hz, at half the loudness in the second channel."""
    wave = 0.4 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return np.stack([wave, wave / 2], 1)[:, :channels]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("own speech")
    rows = []
    for number, (name, (rate, channels, subtype, seconds)) in enumerate(FILES.items()):
        wave = tone(seconds, rate, channels)
        if name == "silent.wav":
            wave[rate : 10 * rate] = 0
        soundfile.write(made / name, wave, rate, subtype=subtype)
        rows.append((name, TEXTS[number % len(TEXTS)], ("train", "train", "val", "test")[number % 4]))
    with (made / "speech.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "text", "split"), *rows])
    return made


def test_every_kind_of_file_becomes_the_same_sound(folder: Path):
    dataset = own.load(folder / "speech.csv", AUDIO, "transcription")
    assert dict(dataset.sizes) == {"train": 6, "val": 3, "test": 2}
    found = {row["id"].decode(): row for part in dataset.splits.values() for row in part.as_numpy_iterator()}
    assert sorted(found) == sorted(FILES)
    for name, (_, channels, _, seconds) in FILES.items():
        sound = found[name]["input"]
        slack = 3000 if name.endswith(".mp3") else 1  # an MP3 is whole frames long, and begins with some silence
        assert len(sound) == pytest.approx(16_000 * seconds, abs=slack), name
        middle = sound[4000:12_000]
        loudness = 0.4 * (0.75 if channels == 2 else 1)  # of the mean of both channels
        assert np.abs(middle).max() == pytest.approx(loudness, rel=0.06), name
        hz, power = scipy.signal.periodogram(middle, 16_000)
        assert hz[power.argmax()] == pytest.approx(440, abs=4), name
    assert not found["silent.wav"]["input"][16_000:160_000].any()


def test_texts_keep_digits_and_signs(folder: Path):
    dataset = own.load(folder / "speech.csv", AUDIO, "transcription")
    told = {row["id"].decode(): row["target"].decode() for row in dataset.splits["train"].as_numpy_iterator()}
    assert told["mono.wav"] == "Call 555-0199, please!"
    assert told["phone.wav"] == "two words"
    layer = zoo.layers.Characters()
    layer.adapt(list(told.values()))
    assert set("0159-,!") <= set(layer.symbols)


@pytest.mark.parametrize("one_way", [False, True])
def test_silence_and_minutes_have_features_and_answers(folder: Path, one_way: bool):
    dataset = own.load(folder / "speech.csv", AUDIO, "transcription")
    settings = {"units": 4, "layers": 1, "ngram": 0, "mel": 8, "variants": 1, "one_way": one_way}
    recipe = catalog.load(catalog.find("librispeech"), settings)
    chain = Chain(recipe, dataset.input, dataset.target, dataset.splits["train"])
    rows = [
        row for part in dataset.splits.values() for row in features.compute(recipe, chain, part).as_numpy_iterator()
    ]
    assert all(np.isfinite(row["features"]).all() for row in rows)
    assert 7400 < max(len(row["features"]) for row in rows) < 7700  # 75 seconds in steps of 10 ms
    answers = answer_all(chain, dataset.splits["test"])
    assert len(answers["text"]) == 2
    assert np.isfinite(answers["score"]).all()


def test_all_faults_come_at_once(folder: Path, tmp_path: Path):
    (tmp_path / "a folder").mkdir()
    (tmp_path / "notes.wav").write_text("no audio")
    (tmp_path / "empty.wav").write_bytes(b"")
    soundfile.write(tmp_path / "short.wav", np.zeros(800), 16_000)
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16_000)
    broken = tone(0.5, 16_000, 1)
    broken[100] = np.nan
    soundfile.write(tmp_path / "nan.wav", broken, 16_000, subtype="FLOAT")
    good = folder / "mono.wav"
    lines = [
        "path,text",
        f"{good},ONE",
        "missing.wav,ONE",
        "a folder,ONE",
        "notes.wav,ONE",
        "empty.wav,ONE",
        "short.wav,far too much for fifty milliseconds",
        "none.wav,ONE",
        "nan.wav,ONE",
        f"{folder / 'free.flac'},",
        f"{good},ONE",
        f"{folder / 'stereo.wav'},ONE,more",
    ]
    (tmp_path / "speech.csv").write_text("\n".join(lines))
    with pytest.raises(BadData) as caught:
        own.load(tmp_path / "speech.csv", AUDIO, "transcription")
    split = [re.fullmatch(r".*speech\.csv:(\d+): (.*)", fault) for fault in caught.value.faults]
    faults = {int(match[1]): match[2] for match in split if match}
    assert sorted(faults) == [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    for line, reason in {
        3: "`missing.wav` does not exist",
        4: "`a folder` is a folder",
        5: "`notes.wav` not audio that can be read (",
        6: "`empty.wav` the file is empty (0 bytes)",
        7: "`short.wav` lasts 0.05 s, too short for its text of 35 characters",
        8: "`none.wav` zero-length audio",
        9: "`nan.wav` has samples that are NaN or infinite",
        10: "no value for `text`",
        11: f"`{good}` is listed twice, first at {tmp_path / 'speech.csv'}:2",
        12: "has 3 cells, the header has 2",
    }.items():
        assert faults[line].startswith(reason), faults[line]
