"""Files and texts of every kind, read as one example."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image
from test_inspection_gates import chain_of

from zoo.datasets import sequential_mnist
from zoo.inspection import told
from zoo.inspection.examples import read
from zoo.inspection.gates import look
from zoo.types import BadData, UsageError


def test_audio(tmp_path: Path):
    chain, _ = chain_of("spoken_digits", layers=1)
    samples = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    soundfile.write(tmp_path / "word.one.wav", samples, 8000, subtype="FLOAT")
    example = read(chain, str(tmp_path / "word.one.wav"))
    assert (example.name, example.title) == ("word", "word.one.wav, 0.50 s")
    assert (example.extent, example.unit, example.span) == (0.5, "seconds", (1000.0, "ms"))
    np.testing.assert_allclose(example.values[0], samples, atol=1e-6)
    np.testing.assert_array_equal(example.lines["waveform"], example.values[0])
    assert example.length.numpy().tolist() == [4000]


def test_a_text_and_a_file_with_one(tmp_path: Path):
    chain, _ = chain_of("sst2")
    example = read(chain, "Not a GOOD film, isn't it?")
    assert example.marks == ("not", "a", "good", "film", ",", "is", "n't", "it", "?")
    assert (example.name, example.unit, example.extent) == ("not-a-good-film-isn-t-it", "words", 9)
    (tmp_path / "one.txt").write_text("Not a GOOD film, isn't it?\n")
    same = read(chain, str(tmp_path / "one.txt"))
    assert (same.name, same.marks) == ("one", example.marks)
    (tmp_path / "two.txt").write_text("one\ntwo\n")
    with pytest.raises(
        UsageError, match=r"two.txt` has 2 texts, and one can be looked into; give it itself, in quotes"
    ):
        read(chain, str(tmp_path / "two.txt"))
    assert read(chain, "...").name == "text"


def test_pieces_of_a_translators_source():
    chain, _ = chain_of("multi30k", source_pieces=60, target_pieces=60)
    example = read(chain, "badofi gu")
    assert example.unit == "pieces" and len(example.marks) == example.extent
    assert "".join(example.marks).replace("\u2581", " ") == " badofi gu"


def test_a_table_of_steps(tmp_path: Path):
    chain, _ = chain_of("adding")
    file = tmp_path / "sum.csv"
    file.write_text("number,marker\n0.5,-1\n-0.25,1\n1e-1,0\n")
    example = read(chain, str(file))
    np.testing.assert_array_equal(example.values[0], np.float32([[0.5, -1], [-0.25, 1], [0.1, 0]]))
    assert (example.extent, example.unit, [*example.lines]) == (3, "steps", ["number", "marker"])
    assert told(example, look(chain, example.values, example.length)).count(".") == 1


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ("number\n1\n", ["table.csv: has 1 columns (number), and the model takes 2"]),
        ("a,b\n1,2\n3,x\n4,\n", ["table.csv:3: must have a number in each of a, b", "table.csv:4: must have a number"]),
        ("a,b\n1,inf\n", ["table.csv: has values that are not finite numbers"]),
        ("a,b\n", ["table.csv: has no rows"]),
    ],
)
def test_a_table_with_faults_is_refused(tmp_path: Path, content: str, faults: list[str]):
    chain, _ = chain_of("adding")
    file = tmp_path / "table.csv"
    file.write_text(content)
    with pytest.raises(BadData) as caught:
        read(chain, str(file))
    assert len(caught.value.faults) == len(faults)
    assert all(fault in found for fault, found in zip(faults, caught.value.faults, strict=True))


def test_a_row_of_symbols(tmp_path: Path):
    chain, _ = chain_of("temporal_order")
    example = read(chain, "EabXcdYaB")
    assert example.marks == tuple("EabXcdYaB")
    np.testing.assert_array_equal(example.values[0].numpy().argmax(1), [0, 2, 3, 6, 4, 5, 7, 2, 1])
    (tmp_path / "order.txt").write_text("EabXcdYaB\n")
    assert read(chain, str(tmp_path / "order.txt")).marks == example.marks
    with pytest.raises(UsageError, match=r"`FILE` must be symbols among E B a b c d X Y, and number 3 is 'q'\."):
        read(chain, "Eaq")


def test_a_picture_pixel_by_pixel(tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 6)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "digit.png")
    chain, _ = chain_of("sequential_mnist")
    plain = read(chain, str(tmp_path / "digit.png"))
    np.testing.assert_allclose(plain.values[0, :, 0], pixels.ravel() / 255, atol=1e-6)
    assert (plain.extent, plain.unit) == (36, "pixels")
    np.testing.assert_allclose(plain.image, pixels / 255, atol=1e-6)
    chain.input = dataclasses.replace(chain.input, name=sequential_mnist.SCRAMBLED)
    scrambled = read(chain, str(tmp_path / "digit.png"))
    np.testing.assert_array_equal(scrambled.values[0], plain.values.numpy()[0][sequential_mnist.order(36)])


def test_ink(tmp_path: Path):
    chain, _ = chain_of("pen_digits", layers=1)
    file = tmp_path / "sign.jsonl"
    file.write_text(json.dumps({"strokes": [[[1, 2], [3, 4, 99]], [[5, 6]]], "label": "x"}) + "\n")
    example = read(chain, str(file))
    np.testing.assert_array_equal(example.values[0], [[1, 2, 0], [3, 4, 1], [5, 6, 1]])
    assert [stroke.tolist() for stroke in example.strokes] == [[[1, 2], [3, 4]], [[5, 6]]]
    assert (example.name, example.title) == ("sign", "sign.jsonl, 2 strokes, 3 points")
    assert example.extent == look(chain, example.values, example.length).steps > 2
    file.write_text(file.read_text() * 2)
    with pytest.raises(UsageError, match=r"sign.jsonl` has 2 inks, and one can be looked into; give a file with one\."):
        read(chain, str(file))
    file.write_text('{"strokes": []}\n')
    with pytest.raises(BadData, match="has no stroke"):
        read(chain, str(file))


def test_a_line_of_writing_as_its_columns_are_read(tmp_path: Path):
    chain, _ = chain_of("iam_lines", layers=1, height=16)
    pixels = np.full((40, 120), 255, np.uint8)
    pixels[10:30, 20:100:4] = 0  # down strokes between white margins
    Image.fromarray(pixels).save(tmp_path / "line.png")
    example = read(chain, str(tmp_path / "line.png"))
    assert example.along and example.image.shape == (16, example.extent)
    assert example.extent == pytest.approx(77 * 16 / 20, abs=1)  # scaled to 16 rows, from 20 without margins
    assert example.image[:, 0].max() < 0.5 and example.image.max() > 0.5
    assert look(chain, example.values, example.length).steps == example.extent
    (tmp_path / "no.png").write_bytes(b"no picture")
    with pytest.raises(UsageError, match=r"no.png`: not an image that can be read"):
        read(chain, str(tmp_path / "no.png"))


def test_the_end_of_a_table_over_time(tmp_path: Path):
    chain, _ = chain_of("m4_hourly", segment=12)
    times = pd.date_range("2024-01-01", periods=100, freq="h").strftime("%Y-%m-%d %H:%M")
    values = 5 + np.sin(np.arange(100) / 4)
    pd.DataFrame({"time": times, "load": values}).to_csv(tmp_path / "power.csv", index=False)
    chain.input = dataclasses.replace(chain.input, series=dataclasses.replace(chain.input.series, frequency="h"))
    example = read(chain, str(tmp_path / "power.csv"))
    np.testing.assert_allclose(example.lines["load"], values[-60:], rtol=1e-5)
    assert (example.extent, example.ahead, example.unit, example.span) == (60, 24, "h", (1.0, "h"))
    answer = chain(example.values, example.length)["forecast"][0, :, 0]
    np.testing.assert_allclose(example.told["load"], answer, rtol=1e-6)
    assert example.title == "power.csv, the last 60 steps of load"
    assert told(example, look(chain, example.values, example.length)) == "24 h ahead"


@pytest.mark.parametrize("name", ["spoken_digits", "adding", "sequential_mnist", "ett"])
def test_a_file_that_is_not_there_or_of_another_kind_is_refused(name: str, tmp_path: Path):
    chain, _ = chain_of(name, layers=1)
    with pytest.raises(UsageError, match=r"`FILE` must be a file with .*, and there is none at nothing.csv\."):
        read(chain, "nothing.csv")
    (tmp_path / "other.bin").write_bytes(b"\x00\x01\xff")
    with pytest.raises(UsageError, match=r"other\.bin"):
        read(chain, str(tmp_path / "other.bin"))
