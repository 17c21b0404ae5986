"""Every recipe, from its name to its proved export on its sample, twice: the same seed gives the same figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_resume import curves

import zoo
from zoo import catalog

TINY: dict[str, dict[str, Any]] = {
    "an4": {"layers": 1, "units": 16},
    "iam_lines": {"layers": 1, "units": 16},
    "iam_online": {"layers": 1, "units": 16},
    "imdb": {"pretrain_epochs": 1, "last": 60},
    "librispeech": {"layers": 1, "units": 16, "one_way": True},
    "multi30k": {"beam": 2},
    "pen_digits": {"layers": 1, "units": 16, "variants": 2},
    "speech_commands": {"layers": 1, "units": 16},
    "spoken_digits": {"layers": 1, "units": 16, "variants": 2, "heads": 2},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", catalog.names())
def test_the_same_seed_gives_the_same_run_and_another_another(name: str, place: Path):
    settings = {"units": 16, "epochs": 2, **TINY.get(name, {})}
    first, again, other = (
        zoo.run(name, sample=True, limit=60, seed=seed, progress="silent", **settings) for seed in (4, 4, 5)
    )
    assert first.proof == "passed"
    assert (again.metrics, again.baseline) == (first.metrics, first.baseline)
    assert curves(again.run_id) == curves(first.run_id)
    assert curves(other.run_id)["train_loss"] != curves(first.run_id)["train_loss"]
