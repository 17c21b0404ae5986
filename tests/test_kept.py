"""What a run keeps to be looked into, and the chain made of it again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import Recorded

from zoo import catalog, kept, tracking
from zoo.chain import Chain, answer_all
from zoo.check import random_data
from zoo.types import RunError

SMALL = {
    "sst2": {"units": 4, "embedding": 6, "buckets": 50, "least": 1},
    "multi30k": {"units": 4, "embedding": 6, "source_pieces": 60, "target_pieces": 60, "beam": 2},
    "spoken_digits": {"units": 4, "layers": 1, "heads": 2, "mel": 8},
    "ett": {"units": 4, "look_back": 20, "horizon": 8, "segment": 4},
    "adding": {"units": 3, "chrono": True},
}


def keep(name: str, seed: int = 1) -> tuple[str, Chain]:
    """A run of an untrained network, with what it keeps; what it answers does not matter, only that it is the same."""
    keras.utils.set_random_seed(seed)
    file = catalog.find(name)
    recipe = catalog.load(file, SMALL[name])
    data = random_data(recipe)
    chain = Chain(recipe, data.input, data.target, data.splits["train"])
    client = tracking.open_store()
    run_id = client.create_run(tracking.experiment(client, name)).info.run_id
    client.log_artifact(run_id, str(file), "recipe")
    kept.keep(run_id, chain, data, {**catalog.defaults(file), **SMALL[name], "seed": 0, "limit": 9})
    return run_id, chain


@pytest.mark.parametrize("name", SMALL)
def test_the_chain_is_made_again_with_all_that_was_learnt(name: str, place: Path):
    run_id, chain = keep(name)
    again = kept.chain(run_id)
    assert (again.input, again.target, again.features) == (chain.input, chain.target, chain.features)
    assert again.learnt == chain.learnt
    examples = random_data(catalog.load(catalog.find(name), SMALL[name]), seed=5).splits["test"].take(5)
    for output, value in answer_all(again, examples).items():
        expected = answer_all(chain, examples)[output]
        if np.issubdtype(value.dtype, np.floating):
            np.testing.assert_allclose(value, expected, atol=1e-6)
        else:
            np.testing.assert_array_equal(value, expected)


def test_a_finished_run_answers_as_its_export(standing: Recorded):
    chain = kept.chain(standing.tiny.run_id)
    pairs = np.random.default_rng(0).uniform(-1, 1, (3, 9, 2)).astype(np.float32)
    length = np.array([9, 4, 1], np.int32)
    export = tf.saved_model.load(standing.tiny.export).signatures["serving_default"]
    expected = export(values=tf.constant(pairs), length=tf.constant(length))["value"]
    np.testing.assert_allclose(chain(tf.constant(pairs), tf.constant(length))["value"], expected, atol=1e-6)
    assert sorted(file.name for file in kept.folder_of(standing.tiny.run_id).iterdir()) == [
        "chain.json",
        "network.keras",
    ]


def test_a_run_without_a_kept_network_is_refused(place: Path):
    run_id, _ = keep("adding")
    shutil.rmtree(kept.folder_of(run_id))
    with pytest.raises(RunError, match=rf"run {run_id} has no kept network in .*networks.{run_id}\. Was it finished"):
        kept.chain(run_id)


def test_what_a_layer_learnt_and_did_not_give_is_named(place: Path):
    run_id, _ = keep("sst2")
    file = kept.folder_of(run_id) / "chain.json"
    about = json.loads(file.read_text())
    file.write_text(json.dumps({**about, "learnt": {}}))
    with pytest.raises(RunError, match=r"did not keep what `Words` learnt; it needs `get_state` and `set_state`\."):
        kept.chain(run_id)
