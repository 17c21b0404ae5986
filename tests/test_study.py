"""The study of a sweep: who does which trial, and what becomes of those whose process is gone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from optuna.trial import TrialState
from test_resume_processes import dead_identity

from zoo import process
from zoo.sweeps.space import Choices, Range
from zoo.sweeps.study import ABOUT, SEEN, UNCOUNTED, Study, open_storage
from zoo.types import RunError, UsageError

SPACE = {"rate": Range(1e-4, 1e-2), "units": Choices((4, 8))}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'sweeps.db'}"


def joined(url: str, points: list | None = None, seed: int = 0, mode: str = "max", pruner: str = "none") -> Study:
    study = Study(open_storage(url), "mine", seed, pruner)
    study.join(mode, points or [], lambda: {"asked": 1})
    return study


def test_the_number_of_a_trial_and_the_seed_decide_what_is_tried(tmp_path, url):
    study, other = joined(url), joined(f"sqlite:///{tmp_path / 'other.db'}")
    first = [study.take(5, SPACE).params for _ in range(3)]
    again = joined(url)  # as when a sweep goes on
    assert [*first, *(again.take(5, SPACE).params for _ in range(2))] == [other.take(5, SPACE).params for _ in range(5)]
    assert len({params["rate"] for params in first}) == 3
    assert study.take(5, SPACE) is None and len(study.trials()) == 5
    seeded = joined(f"sqlite:///{tmp_path / 'seeded.db'}", seed=1)
    assert seeded.take(5, SPACE).params != first[0]


def test_a_grid_is_done_point_by_point(url):
    points = [{"units": 4, "rate": 0.5}, {"units": 8, "rate": 0.25}]
    space = {"units": Choices((4, 8)), "rate": Choices((0.5, 0.25))}
    study = joined(url, points)
    assert [study.take(2, space).params for _ in range(2)] == points
    assert study.take(2, space) is None


def test_one_that_comes_late_does_no_trial_and_none_is_counted(url, monkeypatch):
    """Two processes that see one place left at the same time: the storage's numbers say who has it."""
    study, other = joined(url), joined(url)
    study.take(2, SPACE)
    seen = other.trials()
    study.take(2, SPACE)
    real = other.trials
    monkeypatch.setattr(other, "trials", lambda: [seen, monkeypatch.setattr(other, "trials", real)][0])
    assert other.take(2, SPACE) is None
    every = study.study.get_trials()
    assert [trial.state for trial in every] == [TrialState.RUNNING, TrialState.RUNNING, TrialState.FAIL]
    assert every[2].user_attrs[UNCOUNTED] == "another process was faster" and len(study.trials()) == 2


def test_a_trial_of_a_dead_process_is_failed_and_its_settings_tried_again(url):
    study = joined(url)
    gone, mine, strange, silent = (study.take(4, SPACE) for _ in range(4))
    gone.set_user_attr(process.TAG, dead_identity())
    for trial, seconds in ((strange, 0), (silent, 700)):  # of another machine
        trial.set_user_attr(process.TAG, dead_identity(host="another"))
        trial.set_user_attr(SEEN, time.time() - seconds)
    assert joined(url).look_around() == [gone.number, silent.number]
    every = study.study.get_trials()
    states = [trial.state for trial in every]
    assert states[:4] == [TrialState.FAIL, TrialState.RUNNING, TrialState.RUNNING, TrialState.FAIL]
    assert every[0].user_attrs[UNCOUNTED] == "its process is gone"
    assert [trial.number for trial in study.trials()] == [mine.number, strange.number, 4, 5]
    again = [study.take(4, SPACE) for _ in range(3)]
    assert [trial and trial.params for trial in again] == [gone.params, silent.params, None]
    assert joined(url).look_around() == []
    assert not study.leave(gone.number, "again")


def test_the_best_is_complete_and_in_the_direction_of_the_task(tmp_path, url):
    for mode, number in (("max", 1), ("min", 0)):
        study = joined(f"sqlite:///{tmp_path / mode}.db", mode=mode)
        with pytest.raises(RunError, match=r"none of the 0 trials of `mine` came to its end$"):
            study.best()
        taken = [study.take(5, SPACE) for _ in range(5)]
        taken[3].report(9.0 if mode == "max" else 0.0, 1)
        study.end(taken[3], None, TrialState.PRUNED, reason="pruned after epoch 1")
        study.end(taken[4], None, TrialState.FAIL, reason="it broke")
        with pytest.raises(RunError, match="none of the 5 trials of `mine` came to its end; the last: it broke"):
            study.best()
        for trial, value in zip(taken, (0.25, 0.5, 0.5), strict=False):
            study.end(trial, value, TrialState.COMPLETE, run_id=f"run {trial.number}")
        assert study.best().number == number and not study.goes_on()
        rows = study.rows()
        assert [row["trial"] for row in rows] == ([1, 2, 0] if mode == "max" else [0, 1, 2]) + [3, 4]
        assert [row["state"] for row in rows] == ["complete"] * 3 + ["pruned", "failed"]
        assert rows[0] == {
            "trial": number, "state": "complete", "value": 0.5 if mode == "max" else 0.25, "reason": "",
            "settings": taken[number].params, "run_id": f"run {number}",
        }  # fmt: skip


def test_of_processes_that_begin_at_once_one_does(url):
    dropped = []
    one, other = Study(open_storage(url), "mine"), Study(open_storage(url), "mine")

    def faster() -> dict[str, int]:
        assert one.join("max", [{"units": 4}], lambda: {"run": 1}) == {"run": 1}
        return {"run": 2}

    assert other.join("max", [{"units": 4}], faster, lambda: dropped.append(True)) == {"run": 1}
    assert dropped == [True] and len(other.trials()) == 1


def test_a_study_whose_beginner_died_at_once_is_begun_again(url, monkeypatch):
    import optuna

    monkeypatch.setattr("zoo.sweeps.study.PATIENCE", 0.3)
    optuna.create_study(study_name="mine", storage=url)
    study = Study(open_storage(url), "mine")
    assert study.join("min", [{"units": 4}, {"units": 8}], lambda: {"run": 3}) == {"run": 3}
    assert study.study.user_attrs[ABOUT] == {"run": 3} and len(study.trials()) == 2


TAKING = """
import json, sys
from zoo.sweeps.space import Range
from zoo.sweeps.study import Study, open_storage
study = Study(open_storage(sys.argv[1]), "mine")
study.join("max", [], dict)
print("ready", flush=True)
sys.stdin.readline()
taken = []
while (trial := study.take(12, {"rate": Range(0.0, 1.0)})) is not None:
    taken.append(trial.number)
print(json.dumps(taken))
"""


def test_processes_that_ask_at_once_do_together_what_was_asked(url):
    """On a database that is not there yet, so that all of them come to make it."""
    running = [
        subprocess.Popen([sys.executable, "-c", TAKING, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [each.stdout.readline() for each in running] == ["ready\n"] * 2
    said = [each.communicate("\n")[0] for each in running]
    taken = [number for text in said for number in json.loads(text)]
    study = Study(open_storage(url), "mine")
    study.join("max", [], dict)
    assert len(taken) == len(set(taken)) == 12
    assert sorted(taken) == [trial.number for trial in study.study.get_trials() if UNCOUNTED not in trial.user_attrs]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nothing", "got nothing: Could not parse"),
        ("sqlite:////dev/null/x.db", "got sqlite:////dev/null/x.db: "),
        ("postgresql://me:secret@nowhere/x", "got postgresql://...nowhere/x: Failed to import DB access module"),
    ],
)
def test_a_storage_that_cannot_be_opened_is_one_line(url, reason):
    with pytest.raises(UsageError, match=r"`--storage` must be a database.s URL, as sqlite:///sweeps\.db, ") as caught:
        open_storage(url)
    assert reason in str(caught.value) and "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_trial_far_below_the_median_is_pruned(url):
    study = joined(url, pruner="median")
    for value in (1.0, 2.0, 3.0, 4.0, 5.0):
        trial = study.take(7, SPACE)
        trial.report(value, 1)
        study.end(trial, value, TrialState.COMPLETE)
    good, bad = study.take(7, SPACE), study.take(7, SPACE)
    good.report(3.5, 1)
    bad.report(2.5, 1)
    assert (good.should_prune(), bad.should_prune()) == (False, True)


def test_hyperband_lets_the_better_ones_go_on(url):
    study = joined(url, pruner="hyperband")
    states = []
    for number in range(8):
        trial = study.take(8, SPACE)
        for epoch in range(1, 5):
            trial.report(-float(number), epoch)  # each worse than those before
            if trial.should_prune():
                study.end(trial, None, TrialState.PRUNED)
                break
        else:
            study.end(trial, -float(number), TrialState.COMPLETE)
        states.append(study.study.get_trials()[-1].state)
    assert states[0] == TrialState.COMPLETE and TrialState.PRUNED in states and study.best().number == 0
