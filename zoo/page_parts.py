"""Parts of pages that stand alone: a picture inside the page, a table."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence

from matplotlib.figure import Figure


def picture(figure: Figure, says: str, dpi: int) -> str:
    """An image that needs no file.

    Args:
      figure: What it shows.
      says: The same in words, for who cannot see it.
      dpi: Pixels an inch.
    """
    content = io.BytesIO()
    figure.savefig(content, dpi=dpi, format="png")
    encoded = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="{html.escape(says)}" src="data:image/png;base64,{encoded}">'


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts, which may hold anything."""
    head, *body = (
        "<tr>" + "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in row) + "</tr>"
        for tag, row in [("th", headings), *(("td", row) for row in rows)]
    )
    return "<table>" + "\n".join([head, *body]) + "</table>"
