from __future__ import annotations

import keras
import pytest

from zoo import catalog
from zoo.chain import Chain, answer_all
from zoo.check import random_data
from zoo.pictures import attention

TINY = {
    "sst2": {"embedding": 4, "units": 3, "members": 2, "buckets": 20},
    "multi30k": {"embedding": 8, "units": 4, "beam": 2},
}


@pytest.fixture(params=sorted(TINY))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_ten_texts_are_drawn(name, tmp_path):
    keras.utils.set_random_seed(4)
    recipe = catalog.load(catalog.find(name), TINY[name])
    data = random_data(recipe)
    chain = Chain(recipe, data.input, data.target, data.splits["train"])
    answers = {"test": answer_all(chain, data.splits["test"])}
    found = attention.pictures(chain, data, "test", answers)
    if name == "sst2":
        axes = found["attention"].axes
        assert [each.get_title().split(":")[0] for each in axes] == ["attention pooling", "max pooling"]
        drawn = [text.get_text() for text in axes[0].texts]
        assert len([text for text in drawn if text.startswith("truth ")]) == 10
        first = next(data.splits["test"].as_numpy_iterator())["input"].decode()
        assert drawn[1 : 1 + len(first.split())] == first.split()
    else:
        assert list(found) == [f"attention_{number:02d}" for number in range(1, 11)]
    for title, figure in found.items():
        figure.savefig(tmp_path / f"{title}.png")


def test_other_kinds_have_none():
    recipe = catalog.load(catalog.find("adding"), {"units": 4})
    data = random_data(recipe)
    assert attention.pictures(Chain(recipe, data.input, data.target), data, "test", {}) == {}
