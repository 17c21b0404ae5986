"""The list of clips that a benchmark script writes: which recordings, and no speaker in two splits."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "digit_clips.py"


def test_speakers_are_held_out_and_the_first_recordings_taken(tmp_path: Path):
    spec = importlib.util.spec_from_file_location("digit_clips", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for digit in (0, 7):
        for speaker in ("george", "lucas", "theo"):
            for number in (0, 31, 32):
                (tmp_path / f"{digit}_{speaker}_{number}.wav").touch()
    found = list(module.rows(tmp_path))
    assert found[0] == (str(tmp_path / "0_george_0.wav"), "zero", "train")
    assert not [path for path, _, _ in found if path.endswith("_32.wav")]
    splits = Counter((Path(path).stem.split("_")[1], word, split) for path, word, split in found)
    speakers = {"george": "train", "lucas": "val", "theo": "test"}
    assert splits == {(name, word, split): 2 for name, split in speakers.items() for word in ("zero", "seven")}
