"""Makes `spoken_digits.zip`, the sample of spoken digits; run once with espeak-ng 1.51 installed, on Linux.

    python -m zoo.datasets.samples.make_spoken_digits

Each voice is one of espeak-ng's speakers with one English accent, and says each digit once at a rate, pitch and
loudness drawn for that clip. No voice is in two splits, so a model has to know the words and not the speakers.
Clips are 8 kHz mono Ogg Opus at its lowest useful rate, which keeps a thousand of them under 1 MB.
Made again, the audio is the same to the last sample; only the serial numbers of the Ogg streams differ.
"""

from __future__ import annotations

import csv
import io
import random
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import soundfile

from zoo.inputs.audio import decode_audio

RATE_HZ = 8000
OPUS_COMPRESSION = 0.98  # of 0 to 1: about 10 kbit/s
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc")
SPEAKERS = {  # relatives, such as robosoft and robosoft2, stay in one split
    "train": """Andrea Andy Annie AnxiousAndy Demonic Denis Diogo Gene Gene2 Hugo Jacky Marco Mario Mike Nguyen
        RicishayMax RicishayMax2 RicishayMax3 UniRobot adam anika anikaRobot announcer antonio david ed edward edward2
        f1 f4 iven iven2 iven3 iven4 klatt klatt2 klatt3 klatt4 klatt5 klatt6 linda m1 m2 m3 m4 m5 m6 m8 max norbert
        pablo paul pedro rob robert robosoft robosoft2 robosoft3 robosoft4 robosoft5 robosoft6 robosoft7 robosoft8
        sandro shelby steph steph2 steph3 travis victor whisper whisperf""",
    "val": "Alicia Henrique Lee Tweaky belinda croak grandma grandpa miguel zac",
    "test": """Alex Michael Storm aunty benjamin boris caleb f2 f3 f5 fast gustave john kaukovalta m7 marcelo michel
        quincy""",
}
LICENCE_TEXT = """Spoken digits, a sample made for the LSTM zoo by make_spoken_digits.py.

The words zero to nine, spoken by the synthesiser espeak-ng 1.51 (https://github.com/espeak-ng/espeak-ng).
To the extent possible under law, its makers waive all rights to these recordings:
CC0 1.0 Universal, https://creativecommons.org/publicdomain/zero/1.0/
"""


def speak(word: str, voice: str, words_per_minute: int, pitch: int) -> np.ndarray:
    """Says one word: float32[sample] at 8 kHz, without the silence around it, peak 1.

    Raises:
      CalledProcessError: espeak-ng fails.
    """
    options = ["-v", voice, "-s", str(words_per_minute), "-p", str(pitch), "--stdout"]
    spoken = subprocess.run(["espeak-ng", *options, word], capture_output=True, check=True)
    samples = decode_audio(spoken.stdout, RATE_HZ)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    samples = samples[loud[0] : loud[-1] + 1]
    return samples / np.abs(samples).max()


def clip(digit: int, voice: str, draws: random.Random) -> bytes:
    """One recording of a digit as the bytes of an Ogg Opus file."""
    samples = speak(WORDS[digit], voice, draws.randint(110, 230), draws.randint(20, 80))
    before, after = (np.zeros(draws.randint(80, 640), np.float32) for _ in range(2))  # 10 to 80 ms
    samples = np.concatenate([before, samples * draws.uniform(0.2, 0.95), after])
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="OGG", subtype="OPUS", compression_level=OPUS_COMPRESSION)
    return file.getvalue()


def main(target: Path) -> None:
    """Writes the whole sample as one zip file in the zoo's own-data format."""
    files: dict[str, bytes] = {"LICENSE": LICENCE_TEXT.encode()}
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["path", "label", "split", "group"])
    draws = random.Random(0)
    for split, speakers in SPEAKERS.items():
        for speaker in speakers.split():
            accent = draws.choice(ACCENTS)
            for digit in range(len(WORDS)):
                name = f"{digit}_{speaker}.opus"
                files[name] = clip(digit, f"{accent}+{speaker}", draws)
                rows.writerow([name, digit, split, speaker])
    files["clips.csv"] = table.getvalue().encode()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # ZipInfo: no date in the file
    print(f"{target}: {len(files) - 2} clips, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(__file__).with_name("spoken_digits.zip"))
