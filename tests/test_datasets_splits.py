"""Splits drawn by class and by group."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.datasets import splits


def test_groups_that_train_cannot_spare():
    with pytest.raises(ValueError, match="no group can go to val, for each has the last examples of some class"):
        splits.draw_groups(["ann", "bob", "eve"], ["x", "y", "z"])


@given(st.dictionaries(st.text(min_size=1), st.sampled_from("ab"), min_size=1, max_size=80), st.integers(0, 99))
def test_draw_puts_each_class_in_each_split_whatever_the_order(labels, seed):
    names = sorted(labels)
    counts = {label: list(labels.values()).count(label) for label in set(labels.values())}
    if min(counts.values()) < 3:
        with pytest.raises(ValueError, match="of at least 3 examples"):
            splits.draw(names, [labels[name] for name in names], seed)
        return
    drawn = dict(zip(names, splits.draw(names, [labels[name] for name in names], seed), strict=True))
    backwards = splits.draw(names[::-1], [labels[name] for name in names[::-1]], seed)
    assert drawn == dict(zip(names[::-1], backwards, strict=True))
    for label, count in counts.items():
        of_label = [drawn[name] for name in names if labels[name] == label]
        assert of_label.count("val") == of_label.count("test") == max(1, round(count / 10))


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from("ab")), min_size=1, max_size=60), st.integers(0, 99))
def test_draw_groups_never_splits_a_group_and_leaves_each_class_in_train(examples, seed):
    groups, labels = [str(group) for group, _ in examples], [label for _, label in examples]
    try:
        drawn = splits.draw_groups(groups, labels, seed)
    except ValueError:
        return  # too few groups, or none that train can spare
    assert set(drawn) == {"train", "val", "test"}
    assert len(set(zip(groups, drawn, strict=True))) == len(set(groups))
    assert {label for label, split in zip(labels, drawn, strict=True) if split == "train"} == set(labels)
