"""What is wrong with data, found before a run is spent on it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from zoo import cli
from zoo.data_check import check, parsed

RATE = 8000


def sound(seed: int, seconds: float = 0.4, level: float = 0.3) -> np.ndarray:
    """Like nothing but itself: five tones that come and go."""
    draws = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    tones = [
        np.sin(2 * np.pi * hertz * time) * np.exp(-(((time - at) / 0.05) ** 2))
        for hertz, at in zip(draws.uniform(150, 3500, 5), draws.uniform(0, seconds, 5), strict=True)
    ]
    wave = np.sum(tones, axis=0) + 0.02 * draws.standard_normal(len(time))
    return level * wave / np.abs(wave).max()


def clips(folder: Path) -> Path:
    """Two classes of clips, with what is wrong named by the file."""
    rows = []

    def add(name: str, wave: np.ndarray, label: str, split: str) -> None:
        soundfile.write(folder / name, wave, RATE, subtype="FLOAT")
        rows.append(f"{name},{label},{split}")

    for index in range(11):
        add(f"yes{index}.wav", sound(index), "yes", "train")
        add(f"no{index}.wav", sound(50 + index), "no", "train")
    add("rare.wav", sound(100), "maybe", "train")
    add("silent.wav", np.zeros(RATE // 4), "no", "train")
    add("short.wav", sound(101, seconds=0.03), "no", "train")
    add("loud.wav", np.clip(9 * sound(102, level=1.0), -1, 1), "no", "train")
    add("liar.wav", 0.5 * sound(3), "no", "train")  # yes3, more quietly
    add("leak.wav", np.concatenate([np.zeros(200), 0.7 * sound(55)]), "no", "test")  # no5, later
    add("val.wav", sound(103), "yes", "val")
    add("test.wav", sound(104), "yes", "test")
    (folder / "list.csv").write_text("path,label,split\n" + "\n".join(rows))
    return folder / "list.csv"


def test_oddities_of_recordings_are_each_told_once_with_a_remedy(tmp_path: Path):
    report = check("spoken_digits", data=clips(tmp_path), units=4, layers=1, heads=2, mel=8)
    assert report.ok and report.examples == {"train": 27, "val": 1, "test": 2}
    assert {(each.file, each.reason, each.remedy) for each in report.findings} == {
        (
            "leak.wav",
            "is in `test` and nearly the same as `no5.wav` in `train`",
            "keep both in one split, by a column `group` or `split`",
        ),
        (
            "yes3.wav",
            "is nearly the same as `liar.wav`, and is `yes` where that is `no`",
            "correct one of the two, or remove both",
        ),
        ("train", "class `maybe` has 1 train examples", "add some, at least 10"),
        ("silent.wav", "is silent, its peak is 0.00000 of 1", "record it again, or remove it"),
        ("short.wav", "lasts 0.030 s only", "record it again, or remove it"),
        ("loud.wav", "is too loud, over a hundredth of it is cut off", "record it with less gain"),
    }
    assert {each.severity for each in report.findings} == {"warning"}


def test_copied_and_nearly_copied_texts_are_found(tmp_path: Path):
    words = [
        f"the {a} film about a {b} is told with {c} and without any haste at all"
        for a, b, c in zip("abcdefghijkl", "mnopqrstuvwx", "ABCDEFGHIJKL", strict=True)
    ]
    words = [text.replace(" film", f" film{index * 7919}") for index, text in enumerate(words)]
    rows = [f"{text},{'good' if index % 2 else 'bad'},train" for index, text in enumerate(words)]
    rows += [
        "A Fine Day!,good,train",
        '"a fine day",bad,train',
        f"{words[4].upper()}!!,bad,test",
        "quite other,good,val",
    ]
    (tmp_path / "texts.csv").write_text("text,label,split\n" + "\n".join(rows))
    report = check("sst2", data=tmp_path / "texts.csv", units=4, embedding=4, buckets=20)
    copied = [(each.line, each.reason) for each in report.findings if "nearly" in each.reason]
    assert copied == [
        (16, "is in `test` and nearly the same as `texts.csv:6` in `train`"),
        (15, "is nearly the same as `texts.csv:14`, and is `bad` where that is `good`"),
    ]


def test_transcripts_are_held_against_the_alphabet_and_the_frames(tmp_path: Path):
    rows = []
    for index in range(12):
        soundfile.write(tmp_path / f"{index}.wav", sound(index, 0.9 if index == 3 else 1.0), RATE)
        text = "a very long text that no one can say in so short a time" if index == 3 else "abc def"
        rows.append(
            f"{index}.wav,{'abç' if index == 5 else text},{'train' if index < 10 else ['val', 'test'][index % 2]}"
        )
    (tmp_path / "said.csv").write_text("path,text,split\n" + "\n".join(rows))
    report = check("an4", data=tmp_path / "said.csv", units=4, layers=1, ngram=0, mel=8)
    told = {each.file: each.reason for each in report.findings if each.file in ("3.wav", "5.wav")}
    assert "symbols: it is left out" in told["3.wav"]
    assert told["5.wav"] == "`ç` (U+00E7) is 1 time in the texts of train"


def test_faults_end_the_check_with_1_and_are_written_as_json_and_html(tmp_path: Path, capsys: pytest.CaptureFixture):
    (tmp_path / "t.csv").write_text('text,label\n"<b>",good\n,bad\nfine,\n')
    page = str(tmp_path / "r.html")
    assert cli.main(["data", "sst2", "--data", str(tmp_path / "t.csv"), "--check", "--json", "--html", page]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["faults"], told["examples"]) == (False, len(told["findings"]), {})
    assert [(each["severity"], each["line"]) for each in told["findings"]][:2] == [("fault", 3), ("fault", 4)]
    html = (tmp_path / "r.html").read_text()
    assert html.count("<tr class=fault>") == told["faults"] and "<!doctype html>" in html


def test_a_page_without_a_check_is_refused(capsys: pytest.CaptureFixture):
    assert cli.main(["data", "sst2", "--sample", "--html", "r.html"]) == 2
    assert "`--html` is where `--check` writes; give both." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a.csv:7: `text` is empty; remove the row", ("a.csv", 7, "`text` is empty", "remove the row")),
        ("a.wav: cannot be read", ("a.wav", None, "cannot be read", "correct or remove it")),
        ("nothing to split", ("", None, "nothing to split", "correct or remove it")),
    ],
)
def test_a_fault_is_read_in_its_parts(text: str, parts: tuple):
    found = parsed(text, "fault")
    assert (found.file, found.line, found.reason, found.remedy) == parts
