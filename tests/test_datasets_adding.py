"""The generator against the text of Hochreiter and Schmidhuber 1997, section 5.4."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.datasets import adding
from zoo.types import Source, UsageError

LENGTH = 40


def drawn(count: int = 400) -> list[tuple[np.ndarray, float]]:
    sequences, targets = adding.generate(count, LENGTH, seed=5)
    assert targets.dtype == np.float32
    return list(zip(sequences, targets, strict=True))


def test_lengths_are_between_t_and_a_tenth_more():
    lengths = {len(pairs) for pairs, _ in drawn()}
    assert lengths == set(range(LENGTH, LENGTH + LENGTH // 10 + 1))


def test_numbers_are_uniform_in_minus_one_to_one():
    numbers = np.concatenate([pairs[:, 0] for pairs, _ in drawn()])
    assert numbers.min() >= -1 and numbers.max() <= 1
    assert abs(numbers.mean()) < 0.02 and abs(numbers.var() - 1 / 3) < 0.01


def test_exactly_two_pairs_are_marked_where_the_paper_says():
    firsts = set()
    for pairs, _ in drawn():
        markers = pairs[:, 1]
        marked = np.flatnonzero(markers == 1)
        assert len(marked) == 2
        assert marked[0] < 10  # one is among the first ten pairs
        assert marked[1] < LENGTH // 2 - 1  # the other among the first T/2 - 1
        assert markers[-1] == -1
        assert markers[0] == (1 if 0 in marked else -1)
        rest = np.delete(markers, [0, len(markers) - 1, *marked])
        assert not rest.any()
        firsts.add(marked[0])
    assert firsts == set(range(10))


def test_target_is_half_plus_a_quarter_of_the_marked_sum():
    first_pair_marked = 0
    for pairs, target in drawn():
        numbers = [0.0 if step == 0 else float(pairs[step, 0]) for step in np.flatnonzero(pairs[:, 1] == 1)]
        first_pair_marked += bool(pairs[0, 1] == 1)
        assert target == pytest.approx(0.5 + sum(numbers) / 4, abs=1e-6)
    assert first_pair_marked > 10  # else the rule of the first pair was not tried


def test_same_seed_draws_the_same_and_another_seed_does_not():
    again, targets = adding.generate(400, LENGTH, seed=5)
    assert all(np.array_equal(one, pairs) for one, (pairs, _) in zip(again, drawn(), strict=True))
    assert not np.array_equal(adding.generate(400, LENGTH, seed=6)[1], targets)


def contents(dataset, split: str) -> set[bytes]:
    return {example["input"].tobytes() for example in dataset.splits[split].as_numpy_iterator()}


def test_splits_are_disjoint_and_the_test_split_is_the_same_for_every_seed():
    one, two = (adding.load(Source(seed=seed), length=20, train=100, test=30) for seed in (0, 1))
    assert one.sizes == {"train": 100, "val": 10, "test": 30}
    every = [contents(dataset, split) for dataset in (one, two) for split in ("train", "val")]
    every.append(contents(one, "test"))
    assert [len(part) for part in every] == [100, 10, 100, 10, 30]
    assert len(set().union(*every)) == 250
    assert contents(one, "test") == contents(two, "test")
    assert one.fingerprint != two.fingerprint
    assert one.fingerprint == adding.load(Source(seed=0), length=20, train=100, test=30).fingerprint


def test_examples_fit_their_specs():
    dataset = adding.load(Source(), length=20, train=20, test=5)
    assert dataset.origin == "generated"
    assert adding.load(Source(), length=20, train=20, test=5, origin="sample").origin == "sample"
    for split, examples in dataset.splits.items():
        assert examples.element_spec["input"].shape.as_list() == list(dataset.input.shape)
        rows = list(examples.as_numpy_iterator())
        assert [row["id"].decode() for row in rows] == [f"{split}-{number}" for number in range(dataset.sizes[split])]
        assert {row["input"].dtype.name for row in rows} == {"float32"} == {row["target"].dtype.name for row in rows}


def test_short_sequences_are_refused():
    with pytest.raises(UsageError, match=r"`length` must be at least 20 steps, got 19\. Give a longer sequence\."):
        adding.load(Source(), length=19)
