"""The contract that every recipe keeps."""

from __future__ import annotations

import pytest

from zoo import catalog
from zoo.check import check


@pytest.mark.parametrize("name", catalog.names())
def test_every_recipe_keeps_the_contract(name: str):
    findings = check(name)
    assert len(findings) == 6
    assert [f"{what}: {detail}" for what, holds, detail in findings if not holds] == []


@pytest.mark.parametrize("name", catalog.names())
def test_recipe_files_are_short(name: str):
    assert len(catalog.find(name).read_text().splitlines()) <= 90
