"""A view into a run's LSTM layers while they read one example: gates, memory cells, spans and gradients."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from zoo import kept, tracking
from zoo.inspection.examples import Example, read
from zoo.inspection.gates import Look, look, lstm_layers
from zoo.inspection.page import page
from zoo.inspection.pictures import figure_of, spans_of, title_of
from zoo.types import UsageError

MOST_SIDE_BY_SIDE = 4  # layers in the picture; the page has all
DPI = 110
CHARACTERS = 14  # of the title in an inch
MOST_LINES = 4


def inspect(
    run: str, item: str, *, beside: str | None = None, log: bool = False, folder: Path | None = None
) -> dict[str, Any]:
    """Runs one example through a run's network and draws what its LSTM layers did, as a picture and as a page.

    Args:
      run: Run id, unique prefix, name, "latest" or a recipe's name; its network must have been kept here.
      item: A file of the kind that the model takes, or for a model of texts a text.
      beside: Another run, whose gradient is drawn with it.
      log: Log both files with the run.
      folder: Where `<name>.inspect.png` and `<name>.inspect.html` go; the current one without.

    Returns:
      `run_id`, `answer`, `picture` and `page` (paths), and `layers`: for each its name, units, steps, the `median_span`
      with its unit, and `difference`, the largest to its own outputs.

    Raises:
      UsageError: There is no such run, its network has no LSTM, or the file cannot be read or is of another kind.
      RunError: The run kept no network here, or a layer's outputs are not what its equations give.
    """
    run_id = tracking.find(run)
    chain = kept.chain(run_id)
    if not lstm_layers(chain.network):
        raise UsageError(f"`RUN` must have an LSTM layer, and {run} has none; name it with --beside one that has.")
    others = {}
    if beside is not None:
        other_id = tracking.find(beside)
        other = kept.chain(other_id)
        if not (other.input.accepts(chain.input) and other.input.kind == chain.input.kind):
            raise UsageError(f"`--beside` must take the same input, {chain.input}, and {beside} takes {other.input}.")
        others[other_id] = other
    example = read(chain, item)
    seen = look(chain, example.values, example.length)
    name, recipe = _named(run_id)
    looks = {}
    for other_id, other in others.items():
        label = _named(other_id)[0]
        looks[label if label != name else other_id] = look(other, example.values, example.length)
    answer = told(example, seen)
    picture, written = (Path(folder or "", f"{example.name}.inspect.{kind}") for kind in ("png", "html"))
    drawn = figure_of(example, seen, seen.readings[:MOST_SIDE_BY_SIDE], looks, name)
    title = f"{recipe}, {name}: {example.title}, answer {answer}"
    wide = int(drawn.get_figwidth() * CHARACTERS)
    drawn.suptitle("\n".join(textwrap.wrap(title, wide)[:MOST_LINES]), fontsize=10, parse_math=False)
    drawn.savefig(picture, dpi=DPI)
    text = page(example, seen, looks, name=name, recipe=recipe, answer=answer, run_id=run_id)
    written.write_text(text, encoding="utf-8")
    if log:
        for file in (picture, written):
            tracking.open_store().log_artifact(run_id, str(file), "inspect")
    return {
        "run_id": run_id,
        "answer": answer,
        "picture": str(picture),
        "page": str(written),
        "layers": [_described(example, seen, number) for number in range(len(seen.readings))],
    }


def told(example: Example, seen: Look) -> str:
    """The answer in a few words."""
    row = {name: value[0] for name, value in seen.answer.items()}
    for name in ("label", "text", "translation"):
        if name in row:
            return row[name].decode() + (f" ({row['score']:.2f})" if "scores" in row else "")
    if "labels" in row:
        labels = [label.decode() for label in row["labels"]]
        return ("" if max(map(len, labels)) == 1 else " ").join(labels)
    if "value" in row:
        return f"{row['value']:.4f}"
    return f"{example.ahead:g} {example.unit} ahead" if example.told else ", ".join(row)


def _described(example: Example, seen: Look, number: int) -> dict[str, Any]:
    reading = seen.readings[number]
    spans, unit = spans_of(example, seen, reading)
    return {
        "layer": title_of(reading),
        "units": reading.hidden.shape[1],
        "steps": len(reading.hidden),
        "median_span": round(float(np.median(spans)), 3),
        "span_unit": unit,
        "difference": reading.difference,
    }


def _named(run_id: str) -> tuple[str, str]:
    """A run's name and its recipe's."""
    run = tracking.open_store().get_run(run_id)
    return run.info.run_name, run.data.tags.get(tracking.RECIPE_TAG, "")
