"""Makes `hershey.json`, the letter shapes of the sample of ink; run once with Hershey-Fonts 2.1.0 installed.

    pip install Hershey-Fonts==2.1.0 && python -m zoo.datasets.samples.make_hershey

The shapes are of single strokes, in the order and direction in which the font's plotter drew them. They are in the
public domain; `NOTICE`, which their distribution on Usenet asks for, travels in the file.
"""

from __future__ import annotations

import json
import string
from pathlib import Path

NOTICE = (
    "The Hershey Fonts were originally created by Dr. A. V. Hershey while working at the U. S. National Bureau of "
    "Standards. The format of the font data in the distribution that these were taken from was originally created by "
    "James Hurt, Cognition, Inc., 900 Technology Park Drive, Billerica, MA 01821 (mit-eddie!ci-dandelion!hurt). They "
    "may be used by anyone for any purpose, and converted into any format except that of the U.S. NTIS."
)
ALPHABETS = {"print": "futural", "script": "scripts"}  # Roman and script simplex
FILE = Path(__file__).with_name("hershey.json")


def main() -> None:
    """Writes width and strokes of each character: x from its left edge, y growing downwards, 0 on the base line."""
    from HersheyFonts import HersheyFonts

    shapes: dict[str, dict] = {}
    for alphabet, font in ALPHABETS.items():
        fonts = HersheyFonts()
        fonts.load_default_font(font)
        shapes[alphabet] = {}
        for sign in string.ascii_lowercase + (string.digits if alphabet == "print" else ""):
            (glyph,) = fonts.glyphs_for_text(sign)
            strokes = [[[x - glyph.left_offset, y - glyph.base_line] for x, y in stroke] for stroke in glyph.strokes]
            shapes[alphabet][sign] = [glyph.char_width, strokes]
    FILE.write_text(json.dumps({"notice": NOTICE, **shapes}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
