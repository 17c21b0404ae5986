from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
import soundfile
import tensorflow as tf

from zoo.datasets.windows import history
from zoo.inputs.audio import wav_bytes
from zoo.signatures import edges, signatures
from zoo.signatures.audio import decode_wav
from zoo.types import Spec, UsageError

AUDIO = Spec(name="audio", kind="audio", shape=(None,), dtype="float32", axes=("sample",), rate_hz=8000)
SERIES = Spec(name="pairs", kind="series", shape=(None, 2), dtype="float32", axes=("step", "column"))
INK = Spec(name="points", kind="ink", shape=(None, 3), dtype="float32", axes=("point", "value"))
DRAWS = np.random.default_rng(0)


def wav(samples: np.ndarray, subtype: str = "PCM_16", rate_hz: int = 8000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format="WAV", subtype=subtype)
    return file.getvalue()


def test_decoded_wav_equals_soundfile_for_mono_and_stereo():
    files = [
        wav(DRAWS.integers(-32768, 32768, 50).astype(np.int16)),
        wav(DRAWS.integers(-32768, 32768, (80, 2)).astype(np.int16)),
        wav(DRAWS.integers(-32768, 32768, (1, 2)).astype(np.int16)),
    ]
    values, length = decode_wav(tf.constant(files), 8000)
    assert length.dtype == tf.int32 and length.numpy().tolist() == [50, 80, 1]
    assert values.shape == (3, 80)
    for row, steps, content in zip(values.numpy(), length.numpy(), files, strict=True):
        expected, _ = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
        np.testing.assert_allclose(row[:steps], expected.mean(axis=1), atol=1e-7)
        assert not row[steps:].any()


def test_another_rate_is_refused_with_both_rates():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)another sample rate.*got.*16000.*takes.*8000"):
        decode_wav(tf.constant([wav(np.zeros(10, np.int16), rate_hz=16000)]), 8000)


@pytest.mark.parametrize(
    "content",
    [wav(np.zeros(10, np.int32), "PCM_24"), wav(np.zeros(10, np.float32), "FLOAT"), b"rubbish", b""],
    ids=["24 bit", "float", "rubbish", "nothing"],
)
def test_what_is_no_16_bit_wav_is_refused(content: bytes):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_wav(tf.constant([content]), 8000)


def sixteen_bit(steps: int) -> np.ndarray:
    return DRAWS.integers(-32768, 32768, steps).astype(np.float32) / 32768


@pytest.mark.parametrize("name", ["serving_default", "samples"])
def test_packed_audio_comes_back(name: str):
    signature = signatures(AUDIO)[name]
    examples = [sixteen_bit(steps) for steps in (30, 1, 12)]
    packed = signature.pack(examples)
    assert list(packed) == [spec.name for spec in signature.inputs]
    values, length = signature.to_raw(*(tf.constant(packed[spec.name], spec.dtype) for spec in signature.inputs))
    assert length.numpy().tolist() == [30, 1, 12]
    for row, example in zip(values.numpy(), examples, strict=True):
        np.testing.assert_array_equal(row[: len(example)], example)
        assert not row[len(example) :].any()


def test_packed_series_come_back():
    signature = signatures(SERIES)["serving_default"]
    examples = [DRAWS.normal(size=(steps, 2)).astype(np.float32) for steps in (3, 7)]
    packed = signature.pack(examples)
    values, length = signature.to_raw(tf.constant(packed["values"]), tf.constant(packed["length"]))
    assert values.shape == (2, 7, 2) and length.numpy().tolist() == [3, 7]
    np.testing.assert_array_equal(values[0, :3], examples[0])
    np.testing.assert_array_equal(values[1], examples[1])
    assert not values[0, 3:].numpy().any()


def test_inputs_are_named_and_free_in_batch_and_time():
    audio = signatures(AUDIO)
    assert list(audio) == ["serving_default", "samples"]
    assert audio["serving_default"].inputs == (tf.TensorSpec([None], tf.string, "audio"),)
    assert audio["samples"].inputs == (
        tf.TensorSpec([None, None], tf.float32, "samples"),
        tf.TensorSpec([None], tf.int32, "length"),
    )
    assert signatures(SERIES)["serving_default"].inputs == (
        tf.TensorSpec([None, None, 2], tf.float32, "values"),
        tf.TensorSpec([None], tf.int32, "length"),
    )


def test_packed_ink_comes_back():
    signature = signatures(INK)["serving_default"]
    examples = [DRAWS.normal(size=(steps, 3)).astype(np.float32) for steps in (3, 7, 0)]
    packed = signature.pack(examples)
    assert list(packed) == [spec.name for spec in signature.inputs] == ["points", "length"]
    values, length = signature.to_raw(*(tf.constant(packed[spec.name], spec.dtype) for spec in signature.inputs))
    assert values.shape == (3, 7, 3) and length.numpy().tolist() == [3, 7, 0]
    for row, example in zip(values.numpy(), examples, strict=True):
        np.testing.assert_array_equal(row[: len(example)], example)
        assert not row[len(example) :].any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_ink_must_be_finite_within_its_length(value: float, column: int):
    signature = signatures(INK)["serving_default"]
    points = np.ones((2, 5, 3), np.float32)
    points[1, 3, column] = value
    signature.to_raw(tf.constant(points), tf.constant([5, 3]))  # what is past the length does not matter
    with pytest.raises(tf.errors.InvalidArgumentError, match="`points` must be finite numbers within `length`"):
        signature.to_raw(tf.constant(points), tf.constant([5, 4]))


def test_edges_of_ink():
    found = edges(INK, 30)
    assert {name: values.shape for name, values in found.legal.items()} == {
        "empty": (0, 3),
        "one point": (1, 3),
        "one point repeated": (9, 3),
        "dots": (9, 3),
        "longest": (300, 3),
    }
    assert all(values.dtype == np.float32 for values in found.legal.values())
    assert set(found.malformed) == {"not a number", "infinite", "no pen", "wrong rank"}
    assert found.malformed["no pen"][1]["points"].shape[2] == 2


def test_edges_of_audio():
    found = edges(AUDIO, 500)
    assert {name: len(values) for name, values in found.legal.items()} == {
        "empty": 0,
        "shortest": 1,
        "silent": 8000,
        "longest": 5000,
    }
    assert set(found.malformed) == {"wrong rate", "not a WAV file", "wrong rank"}
    for values in found.legal.values():  # legal inputs survive 16 bits, else an export could not be compared
        again, _ = soundfile.read(io.BytesIO(wav_bytes(values, 8000)), dtype="float32")
        np.testing.assert_array_equal(again, values)


def test_edges_of_series():
    found = edges(SERIES, 30)
    assert {name: values.shape for name, values in found.legal.items()} == {
        "empty": (0, 2),
        "shortest": (1, 2),
        "longest": (300, 2),
    }
    _, wrong = found.malformed["wrong number of columns"]
    assert wrong["values"].shape[2] == 3


def described(known: str = "", alone: bool = False, count: int = 2) -> Spec:
    """What a model of series takes once the data is known: the number of columns too."""
    spec = history(5, 3, known=known, alone=alone)
    return dataclasses.replace(spec, shape=(spec.shape[0], count + len(spec.series.known)))


def test_history_is_named_and_free_in_batch_and_time():
    assert signatures(described())["serving_default"].inputs == (tf.TensorSpec([None, None, 2], tf.float32, "history"),)
    assert signatures(described("promo,price"))["serving_default"].inputs == (
        tf.TensorSpec([None, None, 2], tf.float32, "history"),
        tf.TensorSpec([None, None, 2], tf.float32, "known"),
    )
    assert list(signatures(described())) == ["serving_default"]


@pytest.mark.parametrize("known", ["", "promo"])
def test_packed_windows_come_back(known):
    spec = described(known)
    examples = [DRAWS.normal(size=spec.shape).astype(np.float32) for _ in range(3)]
    if known:
        for example in examples:
            example[5:, :2] = 0
    signature = signatures(spec)["serving_default"]
    packed = signature.pack(examples)
    assert {name: value.shape for name, value in packed.items()} == (
        {"history": (3, 5, 2), "known": (3, 8, 1)} if known else {"history": (3, 5, 2)}
    )
    values, length = signature.to_raw(*(tf.constant(packed[each.name]) for each in signature.inputs))
    np.testing.assert_array_equal(values, np.stack(examples))
    assert length.numpy().tolist() == [spec.shape[0]] * 3


def test_of_a_longer_history_the_last_steps_are_read():
    signature = signatures(described("promo"))["serving_default"]
    past, known = (DRAWS.normal(size=shape).astype(np.float32) for shape in ((2, 9, 2), (2, 12, 1)))
    values, _ = signature.to_raw(tf.constant(past), tf.constant(known))
    np.testing.assert_array_equal(values[:, :5, :2], past[:, 4:])
    np.testing.assert_array_equal(values[:, :, 2:], known[:, 4:])
    assert not values[:, 5:, :2].numpy().any()


def test_a_history_that_is_too_short_and_known_columns_that_do_not_go_on_are_refused():
    past = tf.zeros([1, 4, 2])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"(?s)shorter than what the model looks back on.*4.*of.*5"
    ):
        signatures(described())["serving_default"].to_raw(past)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)`known` must go on for the steps ahead.*5.*not.*8"):
        signatures(described("promo"))["serving_default"].to_raw(tf.zeros([1, 5, 2]), tf.zeros([1, 5, 1]))


def test_edges_of_history():
    found = edges(described("promo"), 8)
    assert {name: values.shape for name, values in found.legal.items()} == dict.fromkeys(
        ("zeros", "constant", "large"), (8, 3)
    )
    for name, (signature, inputs) in found.malformed.items():
        assert signature == "serving_default"
        assert inputs["history"].shape == ((1, 4, 2) if name == "too short" else (1, 5, 3))


def test_what_cannot_be_served_is_refused():
    label = Spec(name="label", kind="label", shape=(), dtype="int64", axes=())
    with pytest.raises(UsageError, match=r"`kind` must be one that can be served \(audio, .*text\), got 'label'"):
        signatures(label)
