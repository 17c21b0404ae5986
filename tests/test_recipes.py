"""The contract that every recipe keeps."""

from __future__ import annotations

import pytest

from zoo import catalog, runs
from zoo.check import Finding, check
from zoo.request import Request

SMALL = {  # what training and export are tried with; layer upon layer takes long to build, a wide one to run
    "an4": {"layers": 1, "units": 64},
    "iam_lines": {"layers": 1, "units": 64},
    "iam_online": {"layers": 1},
    "librispeech": {"layers": 1, "units": 64},
    "multi30k": {"beam": 2, "embedding": 64, "units": 64},
    "pen_digits": {"layers": 1},
    "speech_commands": {"layers": 1},
    "spoken_digits": {"layers": 1},
    "sst2": {"buckets": 500, "embedding": 50, "units": 32},
}


@pytest.mark.parametrize("name", catalog.names())
def test_every_recipe_keeps_the_contract(name: str):
    assert_kept(check(name, **SMALL.get(name, {})))


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_large_recipes_keep_the_contract_at_their_own_size(name: str):
    assert_kept(check(name))


def assert_kept(findings: list[Finding]) -> None:
    assert len(findings) == 6
    assert [f"{what}: {detail}" for what, holds, detail in findings if not holds] == []


@pytest.mark.parametrize("name", catalog.names())
def test_recipe_files_are_short(name: str):
    assert len(catalog.find(name).read_text().splitlines()) <= 90


def test_the_sample_takes_its_own_settings_where_none_is_given():
    file = catalog.find("librispeech")
    given = runs._built(Request(file=file, settings={"units": 8}))
    recipe, params = runs._built(Request(file=file, settings={"units": 8}, sample=True))
    assert given[1] == {**catalog.defaults(file), "units": 8, "seed": 0}
    assert params == {**given[1], **recipe.sample_settings, "units": 8}
    assert (recipe.training.epochs, given[0].training.epochs) == (16, 60)
