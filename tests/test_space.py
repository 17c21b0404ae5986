"""What a sweep varies, as the command line and Python give it."""

from __future__ import annotations

import pytest

from zoo.setting import Setting
from zoo.sweeps import space
from zoo.sweeps.space import Choices, Range
from zoo.types import UsageError

KNOWN = {
    "units": Setting(type=int, default=64),
    "rate": Setting(type=float, default=1e-3),
    "patience": Setting(type=int, default=None, optional=True),
    "cell": Setting(type=str, default="lstm", choices=("lstm", "gru")),
    "size": Setting(type=int, default=1, choices=(1, 2, 4)),
    "known": Setting(type=str, default=""),
    "balance": Setting(type=bool, default=False),
}


def test_ranges_choices_and_fixed_values_have_the_types_of_their_settings():
    given = ["rate=1e-4..1e-2", "units=16..24", "cell=lstm,gru", "patience=3,none", "balance=true,false", "known=x"]
    varied, fixed = space.read(KNOWN, given)
    assert varied == {
        "rate": Range(1e-4, 1e-2),
        "units": Range(16, 24),
        "cell": Choices(("lstm", "gru")),
        "patience": Choices((3, None)),
        "balance": Choices((True, False)),
    }
    assert fixed == {"known": "x"} and type(varied["units"].low) is int
    assert {name: str(part) for name, part in varied.items()} == {
        "rate": "0.0001..0.01",
        "units": "16..24",
        "cell": "lstm,gru",
        "patience": "3,none",
        "balance": "true,false",
    }
    python = {"rate": (1e-4, 1e-2), "units": (16, 24), "cell": ["lstm", "gru"], "patience": [3, None]}
    assert space.check(KNOWN, {**python, "balance": [True, False]}, fixed) == varied
    assert space.check(KNOWN, varied, fixed) == varied
    assert space.first(varied) == {"rate": 1e-4, "units": 16, "cell": "lstm", "patience": 3, "balance": True}


@pytest.mark.parametrize(
    ("part", "log"),
    [
        (Range(1e-4, 1e-3), True),
        (Range(1e-4, 9e-4), False),
        (Range(0.0, 10.0), False),
        (Range(-1.0, 100.0), False),
        (Range(8, 80), True),
        (Range(8, 79), False),
    ],
)
def test_a_factor_of_ten_is_searched_on_a_logarithmic_scale(part, log):
    assert part.log is log


def test_a_space_of_few_points_is_a_grid():
    varied = {"units": Range(1, 3), "cell": Choices(("lstm", "gru"))}
    assert space.grid(varied, 6) == [{"units": units, "cell": cell} for units in (1, 2, 3) for cell in ("lstm", "gru")]
    assert space.grid(varied, 5) == []
    assert space.grid({**varied, "rate": Range(0.1, 0.2)}, 10**9) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["unit=1,2"], "there is no setting 'unit', the nearest is 'units'"),
        (["units=64,"], "`units` must have a value between its commas, got '64,'; write units=a,b,c or"),
        (["units=,"], "`units` must have a value between its commas, got ','"),
        (["units=..4"], "`units` must have a number at both ends, got '..4'; write"),
        (["units=4..4"], "`units` must have a range from low to high, got 4..4."),
        (["rate=1e-2..1e-4"], "`rate` must have a range from low to high, got 0.01..0.0001."),
        (["rate=low..high"], "`rate` must be float, got 'low'; the default is rate=0.001."),
        (["rate=0..inf"], "`rate` must be float, got 'inf'"),
        (["units=1.5..4"], "`units` must be int, got '1.5'"),
        (["units=2,x"], "`units` must be int, got 'x'"),
        (["patience=none..4"], "`patience` must have a range from low to high, got none..4."),
        (["cell=lstm..gru"], "`cell` must be a number to have a range, got 'lstm..gru', and it takes one of lstm, gru"),
        (["size=1..4"], "`size` must be a number to have a range, got '1..4', and it takes one of 1, 2, 4; list"),
        (["known=a..b"], "`known` must be a number to have a range, got 'a..b', and it takes str; list what to try"),
        (["balance=false..true"], "`balance` must be a number to have a range"),
        (["cell=lstm,rnn"], "`cell` must be one of lstm, gru, got 'rnn'"),
        (["units=8,8"], "`units` must have each choice once, got 8,8."),
        (["units=8,9", "units=1..4"], "`units` must be given once, got 8,9 and 1..4."),
        (["units=8,9", "units=4"], "`units` must be given once, got 8,9 and 4."),
        (["units=8"], "a sweep must vary a setting, and none varies; write a range as"),
        ([], "a sweep must vary a setting"),
        (["units"], "a setting is written setting=value, got 'units'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(given, message):
    with pytest.raises(UsageError) as caught:
        space.read(KNOWN, given)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("varied", "message"),
    [
        ({"units": (1, 2, 3)}, "`units` must be a tuple (low, high) or a list of choices, got (1, 2, 3)."),
        ({"units": 8}, "`units` must be a tuple (low, high) or a list of choices, got 8."),
        ({"units": []}, "`units` must have at least one choice, got none."),
        ({"units": (2, 1.5)}, "`units` must be int, got 1.5 (float)"),
        ({"cell": ("lstm", "gru")}, "`cell` must be a number to have a range"),
        ({"unit": [1, 2]}, "there is no setting 'unit'"),
        ({}, "a sweep must vary a setting"),
    ],
)
def test_what_is_wrong_from_python_is_refused(varied, message):
    with pytest.raises(UsageError) as caught:
        space.check(KNOWN, varied, {})
    assert message in str(caught.value)
