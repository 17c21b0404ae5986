"""Lists of examples in any encoding, with lines of any length, and JSON of any shape; read as labelled texts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from zoo.datasets import own_text
from zoo.types import BadData, Spec

INPUT = Spec(name="text", kind="text", shape=(), dtype="string", axes=())
SOUND = [("good day", "yes"), ("fine", "yes"), ("well", "yes"), ("bad", "no"), ("poor", "no"), ("ill", "no")]


def faults(path: Path) -> list[str]:
    """The faults that loading raises, with paths relative to the folder."""
    with pytest.raises(BadData) as caught:
        own_text.load(path, INPUT)
    return [fault.replace(f"{path.parent}/", "") for fault in caught.value.faults]


def test_every_fault_of_json_lines_at_once(tmp_path):
    lines = [
        '{"text": "a", "label": "x"',
        '{"text": 3, "label": "x"}',
        '{"text": ["a", "b"], "label": "x"}',
        '{"text": " \\n\\u3000", "label": "x"}',
        '{"text": "a", "label": 1.5}',
        '{"text": "a", "label": true}',
        '{"text": "half \\ud83d", "label": "x"}',
        '{"text": "a"}',
        '["a", "x"]',
        "[" * 200_000,
        '{"text": "with a \\u0000 inside", "label": "x"}',
        "",
        *(json.dumps({"text": text, "label": label}) for text, label in SOUND),
    ]
    path = tmp_path / "l.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    found = faults(path)
    assert found[0].startswith("l.jsonl:1: is not JSON: ")
    assert found[7].startswith("l.jsonl:10: is not JSON: ")
    assert found[1:7] + found[8:] == [
        "l.jsonl:4: no value for `text`",
        "l.jsonl:5: `label` must be text or a whole number, got 1.5",
        "l.jsonl:6: `label` must be text or a whole number, got True",
        "l.jsonl:7: `text` has \\ud83d, half a character that UTF-8 cannot hold",
        "l.jsonl:8: no value for `label`",
        "l.jsonl:9: must be a JSON object, got a list",
        "l.jsonl:11: `text` has a NUL, which no text and no file's name has; the file may be damaged",
        "l.jsonl:2: `text` must be text, got 3",
        "l.jsonl:3: `text` must be text, got ['a', 'b']",
    ]


def test_other_encodings(tmp_path):
    path = tmp_path / "l.csv"
    rows = "".join(f"{text},{label}\n" for text, label in SOUND)
    path.write_bytes(b"\xef\xbb\xbf" + f"text,label\n{rows}".encode() + "schön,yes\n,yes\nÄrger,no\n".encode("latin-1"))
    assert faults(path) == [
        "l.csv:8: is not UTF-8 text (invalid start byte), nor is 1 more line; save the file as UTF-8",
        "l.csv:9: no value for `text`",
    ]
    path.write_bytes(f"text,label\n{rows}".encode("utf-16"))
    assert faults(path) == ["l.csv:1: is not UTF-8 text (invalid start byte); save the file as UTF-8"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_long_lines(tmp_path, suffix):
    def write(*texts: str) -> Path:
        rows = [*SOUND, *((text, "yes") for text in texts)]
        if suffix == ".jsonl":
            lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows]
        else:
            lines = [("\t" if suffix == ".tsv" else ",").join(cells) for cells in [("text", "label"), *rows]]
        path = tmp_path / f"l{suffix}"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    limit = csv.field_size_limit()
    assert dict(own_text.load(write("word " * 190_000), INPUT).sizes) == {"train": 3, "val": 2, "test": 2}
    path = write("word " * 2_000_000, "", "é" * 600_000)
    found = faults(path)
    assert csv.field_size_limit() == limit
    line = 7 if suffix == ".jsonl" else 8
    assert [fault.split(":")[1] for fault in found] == [str(line), str(line + 1), str(line + 2)]
    assert found[1].endswith("no value for `text`")
    for fault, size in ((found[0], 10_000_000), (found[2], 1_200_000)):
        assert "an example may have 1,000,000; shorten it, or make several examples of it" in fault
        stated = int(fault.split("has ")[1].split(" bytes")[0].replace(",", ""))
        assert 0 <= stated - size < 50 and len(fault) < 200
