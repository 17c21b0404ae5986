"""Twenty kills at random moments of the training of five recipes: what is resumed ends as what never stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_resume import curves, of, weights
from test_resume_processes import begun

from zoo import tracking

KILLS = 4  # of each recipe
RECIPES = {
    "adding": {"length": 30, "sequences": 3000, "units": 16, "epochs": 10},
    "spoken_digits": {"units": 16, "layers": 1, "heads": 2, "mel": 16, "variants": 3, "epochs": 12, "batch_size": 8},
    "imdb": {"last": 40, "embedding": 16, "units": 16, "epochs": 4, "pretrain_epochs": 3},
    "multi30k": {"embedding": 32, "units": 32, "beam": 2, "epochs": 3},
    "ett": {"look_back": 96, "horizon": 24, "segment": 24, "units": 16, "epochs": 3},
}
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def arguments(recipe: str, name: str) -> list[str]:
    settings = [f"{key}={value}" for key, value in RECIPES[recipe].items()]
    return ["run", recipe, *settings, "--sample", "--limit", "300", "--seed", "5", "--name", name, "--json"]


def result(running: subprocess.Popen) -> dict[str, Any]:
    out, _ = running.communicate()
    assert running.returncode == 0
    return json.loads(out.splitlines()[-1])


def whole(place: Path, recipe: str) -> tuple[dict[str, Any], float]:
    """The run that is left alone, and how long it trained."""
    running = begun(place, arguments(recipe, "whole"), TRAINING)
    at = time.monotonic()
    for line in running.stderr:
        if line.startswith("evaluating"):
            break
    took = time.monotonic() - at
    return result(running), took


TRAINING = ("training", "pretraining")


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_killed_and_resumed_it_ends_as_if_it_had_not_been(place: Path, recipe: str):
    expected, took = whole(place, recipe)
    draws = np.random.default_rng(list(RECIPES).index(recipe))
    command, killed = arguments(recipe, "cut"), 0
    while killed < KILLS:
        running = begun(place, command, TRAINING)
        try:
            running.communicate(timeout=draws.uniform(0.1, 0.5) * took)
            pytest.fail(f"it ended before kill {killed + 1} with {running.returncode}")
        except subprocess.TimeoutExpired:
            running.send_signal(SIGNALS[killed % len(SIGNALS)])
            running.communicate()
        killed += 1
        command = ["resume", "cut", "--json"]
    found = result(begun(place, command, "recipe"))

    ids = [tracking.find(name) for name in ("whole", "cut")]
    assert [of(each).info.status for each in ids] == ["FINISHED", "FINISHED"]
    assert found["run_id"] == ids[1] and len(tracking.runs()) == 2
    assert curves(ids[1]) == curves(ids[0])
    assert (found["metrics"], found["baseline"]) == (expected["metrics"], expected["baseline"])
    ended = weights(found["export"])
    assert ended == weights(expected["export"]) and ended
    assert "reason" not in of(ids[1]).data.tags
    print(f"{recipe}: {KILLS} kills, {took:.1f} s of training", file=sys.stderr)
