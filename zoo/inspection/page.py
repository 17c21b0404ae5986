"""The same pictures and the numbers behind them as one HTML file that needs nothing else."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np

from zoo.inspection.examples import Example
from zoo.inspection.gates import GATES, Look, Reading
from zoo.inspection.pictures import figure_of, spans_of, title_of
from zoo.page_parts import picture, table

DPI = 100
STYLE = """
body { font-family: system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #222; }
img { max-width: 100%; }
table { border-collapse: collapse; margin: 1em 0; }
td, th { padding: .2em .8em; text-align: right; border-bottom: 1px solid #ddd; }
td:first-child, th:first-child { text-align: left; }
code { background: #f3f3f3; padding: 0 .2em; }
"""
HEADINGS = (
    "layer",
    "units",
    "steps",
    "input gate",
    "forget gate",
    "output gate",
    "shortest",
    "median",
    "longest",
    "check",
)
TEXT = """
<p>At every step an LSTM multiplies what a memory cell holds by its <b>forget gate</b>, adds what its <b>input gate</b>
lets in, and gives out what its <b>output gate</b> lets through; each gate is between 0, shut, and 1, open. The maps
have a row for each unit, those that remember longest on top, and a column for each step, under the step of the example
that it read. Below them are the units whose output changes most.</p>
<p>The <b>span</b> of a unit is how long it takes until 1/e of what it held is left, by its mean forget gate f over this
example: -1 / ln f steps. The <b>gradient</b> is how much the {of} would change with each step. The <b>check</b> is the
largest difference between the outputs of a layer and those that its equations give in 64 bits from the same inputs.</p>
"""


def page(
    example: Example, look: Look, beside: Mapping[str, Look], *, name: str, recipe: str, answer: str, run_id: str
) -> str:
    """The page.

    Args:
      example: What was read.
      look: What was seen.
      beside: Other runs' looks at the same example, by name.
      name: Of the run.
      recipe: Of the run.
      answer: In a few words.
      run_id: Of the run.
    """
    title = f"{recipe}: inside {name}"
    sections = [
        f"<h2>{html.escape(title_of(reading))}</h2>\n"
        + picture(figure_of(example, look, [reading], beside, name), "gates, cells and gradient", DPI)
        for reading in look.readings
    ]
    others = f" beside {html.escape(', '.join(beside))}" if beside else ""
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>',
            f"<style>{STYLE}</style></head><body>",
            f"<h1>{html.escape(title)}</h1>",
            f"<p>{html.escape(example.title)}<br>answer: <b>{html.escape(answer)}</b><br>",
            f"run <code>{run_id}</code>{others}</p>",
            TEXT.format(of=html.escape(look.of)),
            _table(example, look, look.readings),
            *sections,
            "</body></html>\n",
        ]
    )


def _table(example: Example, look: Look, readings: Sequence[Reading]) -> str:
    rows = []
    for reading in readings:
        spans, unit = spans_of(example, look, reading)
        numbers = [f"{reading.gates[gate].mean():.3f}" for gate in GATES]
        numbers += [f"{value:.3g} {unit}" for value in (spans.min(), float(np.median(spans)), spans.max())]
        cells = [title_of(reading), str(reading.hidden.shape[1]), str(len(reading.hidden)), *numbers]
        cells.append(f"{reading.difference:.1e}")
        rows.append(cells)
    return table(HEADINGS, rows)
