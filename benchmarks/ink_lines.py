"""Writes lines of ink in the layout and number of IAM-OnDB, which needs a registration, to measure how long they take.

The letters are the ink sample's, all small; a line has seven words, as many as IAM-OnDB's on average, and some 900
points. What is learnt from them says nothing about real handwriting.

Usage:
  python benchmarks/ink_lines.py FOLDER
  zoo run iam_online --manual-dir FOLDER epochs=2 ngram=0 --no-test
"""

from __future__ import annotations

import argparse
from pathlib import Path

from zoo.datasets.samples.draws import Draws
from zoo.datasets.samples.hands import draw_hand, write
from zoo.datasets.samples.ink import LETTERS, WORDS

# Train and test as in Graves et al. 2009 and Carbune et al. 2020; the two validation lists share about what is left.
LINES = {"trainset": 5364, "testset_v": 1438, "testset_t": 1518, "testset_f": 3859}
LINES_A_FORM, WORDS_A_LINE = 8, 7


def write_form(folder: Path, form: str, lines: int, draws: Draws) -> None:
    """The transcript and the strokes of one form, by one hand."""
    place = Path(form[:3]) / form[:7]
    hand = draw_hand(draws, LETTERS)
    texts = [" ".join(draws.choice(WORDS) for _ in range(WORDS_A_LINE)) for _ in range(lines)]
    for part in ("ascii", "lineStrokes"):
        (folder / part / place).mkdir(parents=True, exist_ok=True)
    (folder / "ascii" / place / f"{form}.txt").write_text("OCR:\n\nCSR:\n\n" + "\n".join(texts) + "\n")
    for number, text in enumerate(texts, 1):
        strokes = "".join(
            "<Stroke>" + "".join(f'<Point x="{x}" y="{y}"/>' for x, y in stroke) + "</Stroke>"
            for stroke in write(hand, text, draws)
        )
        session = f"<WhiteboardCaptureSession><StrokeSet>{strokes}</StrokeSet></WhiteboardCaptureSession>"
        (folder / "lineStrokes" / place / f"{form}-{number:02d}.xml").write_text(session)


def main() -> None:
    """Parses, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    draws = Draws(0)
    for initial, (name, lines) in zip("abcd", LINES.items(), strict=True):
        forms = []
        for first in range(0, lines, LINES_A_FORM):
            number = first // LINES_A_FORM
            forms.append(f"{initial}{number // 100:02d}-{number % 100:03d}a")
            write_form(options.folder, forms[-1], min(LINES_A_FORM, lines - first), draws)
        (options.folder / f"{name}.txt").write_text("\n".join(forms) + "\n")


if __name__ == "__main__":
    main()
