from __future__ import annotations

import pytest

from zoo.datasets.plain_texts import names_a_file, read_texts
from zoo.types import BadData, UsageError


@pytest.mark.parametrize("argument", ["a.txt", "folder/reviews.csv", "x.wav"])
def test_what_ends_like_a_file_means_one(argument):
    assert names_a_file(argument)


@pytest.mark.parametrize("argument", ["What a film!", "good", "", "It was 1.5 hours long.", "so so...", "w" * 9999])
def test_anything_else_is_a_text(argument):
    assert not names_a_file(argument)
    assert read_texts(argument) == [("", argument)]


def test_a_file_without_a_suffix_is_one_if_it_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews").write_text("fine\n")
    assert read_texts("reviews") == [("reviews:1", "fine")]


def test_lines_are_texts(tmp_path):
    file = tmp_path / "reviews.txt"
    file.write_bytes("\ufeffWhat a film!\r\n\n  so, so \u2028 long \n".encode())
    assert read_texts(str(file)) == [(f"{file}:1", "What a film!"), (f"{file}:3", "so, so \u2028 long")]


def test_lists_have_a_column(tmp_path):
    file = tmp_path / "reviews.csv"
    file.write_text('text,who\n"good, very",me\nbad,you\n')
    assert read_texts(str(file)) == [(f"{file}:2", "good, very"), (f"{file}:3", "bad")]
    (tmp_path / "pairs.jsonl").write_text('{"source": "a"}\n')
    assert read_texts(str(tmp_path / "pairs.jsonl"), "source") == [(f"{tmp_path / 'pairs.jsonl'}:1", "a")]


def test_faults_of_a_list_are_all_named(tmp_path):
    file = tmp_path / "reviews.csv"
    file.write_text("text\ngood\na,b\n\nc,d\n")
    with pytest.raises(BadData, match=r"reviews.csv:3: has 2 cells(.|\n)*reviews.csv:5: has 2 cells"):
        read_texts(str(file))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"caf\xe9", r"is not UTF-8 \(byte 3\); save it as UTF-8"), (b" \n\n", "has no text; write one a line")],
)
def test_what_cannot_be_read_is_said(content, message, tmp_path):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_texts(str(tmp_path / "a.txt"))


def test_a_missing_file_is_named():
    with pytest.raises(UsageError, match=r"`missing.txt` does not exist; give a text, or the path of a file"):
        read_texts("missing.txt")
