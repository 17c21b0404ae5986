"""Audio files in and out."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from zoo.inputs.audio import decode_audio, read_audio, to_int16, wav_bytes
from zoo.types import UsageError


def tone(seconds: float, rate: int, hertz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def test_wav_at_the_wanted_rate_is_read_exactly(tmp_path):
    pcm = np.array([0, 1, -1, 32767, -32768, 1234], np.int16)
    soundfile.write(tmp_path / "a.wav", pcm, 8000)
    samples = read_audio(tmp_path / "a.wav", 8000)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, pcm / np.float32(32768))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
def test_any_rate_and_container_gives_the_same_tone(tmp_path, name, rate):
    soundfile.write(tmp_path / name, tone(1.0, rate), rate)
    samples = read_audio(tmp_path / name, 16000)
    assert abs(len(samples) - 16000) <= 0.1 * 16000  # MP3 pads with silence
    middle = samples[4000:12000]
    assert np.argmax(np.abs(np.fft.rfft(middle))) * 16000 / len(middle) == pytest.approx(440, abs=2)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


def test_opus_is_read(tmp_path):
    soundfile.write(tmp_path / "a.opus", tone(0.5, 8000), 8000, format="OGG", subtype="OPUS")
    assert len(read_audio(tmp_path / "a.opus", 8000)) == 4000


def test_resampling_leaves_nothing_above_the_new_nyquist(tmp_path):
    soundfile.write(tmp_path / "high.wav", tone(1.0, 48000, hertz=6000), 48000)
    assert np.abs(read_audio(tmp_path / "high.wav", 8000)[500:-500]).max() < 1e-3


def test_channels_are_averaged(tmp_path):
    channels = np.array([[0.5, -0.25, 0.5], [0.25, 0.25, 0.25]], np.float32)
    soundfile.write(tmp_path / "three.wav", channels, 8000, subtype="FLOAT")
    np.testing.assert_allclose(read_audio(tmp_path / "three.wav", 8000), [0.25, 0.25], atol=1e-7)


def test_what_is_no_audio_is_refused_in_one_line(tmp_path):
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "empty.wav").touch()
    soundfile.write(tmp_path / "silent.wav", np.zeros(0, np.float32), 8000)
    soundfile.write(tmp_path / "nan.wav", np.array([0, np.nan], np.float32), 8000, subtype="FLOAT")
    soundfile.write(tmp_path / "short.wav", np.zeros(1, np.float32), 48000)
    reasons = {
        "none.wav": "does not exist; give the path of an audio file",
        "": "is a folder; give the path of an audio file",
        "text.wav": r"not audio that can be read \(.+\); give a WAV, FLAC",
        "empty.wav": r"the file is empty \(0 bytes\)",
        "silent.wav": r"zero-length audio \(no samples\)",
        "nan.wav": "has samples that are NaN or infinite",
        "short.wav": "zero-length audio at 8000 Hz",
    }
    for name, reason in reasons.items():
        with pytest.raises(UsageError, match=reason) as caught:
            read_audio(tmp_path / name, 8000)
        assert "\n" not in str(caught.value)
        assert str(tmp_path / name) in str(caught.value)


def test_wav_bytes_are_16_bit_pcm_that_come_back_unchanged():
    pcm = np.arange(-32768, 32768, 7, dtype=np.int16)
    content = wav_bytes(pcm / np.float32(32768), 8000)
    info = soundfile.info(io.BytesIO(content))
    assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_16", 8000, 1)
    np.testing.assert_array_equal(to_int16(decode_audio(content, 8000)), pcm)
    assert wav_bytes(pcm, 8000) == content


def test_to_int16_clips_at_full_scale():
    np.testing.assert_array_equal(to_int16(np.array([1.0, -1.0, 2.0, 0.5])), [32767, -32768, 32767, 16384])
