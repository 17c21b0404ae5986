"""The comparison inside the proof; whole proofs are in test_export.py."""

from __future__ import annotations

import json

import numpy as np

from zoo.proof import Proof, _compare


def compared(found: dict[str, list], expected: dict[str, list]) -> Proof:
    proof = Proof()
    as_arrays = [
        {name: np.array(value, object if isinstance(value[0], bytes) else np.float32) for name, value in each.items()}
        for each in (found, expected)
    ]
    _compare("in a batch", *as_arrays, proof)
    return proof


def test_small_differences_pass_and_the_largest_is_noted():
    proof = compared({"value": [1.00005, 2.0]}, {"value": [1.0, 2.0]})
    assert proof.passed
    assert abs(proof.largest_difference - 5e-5) < 1e-6


def test_larger_differences_are_faults():
    proof = compared({"value": [0.0002, 2.0]}, {"value": [0.0, 2.0]})
    assert proof.faults == ["value in a batch differs by up to 0.0002, more than 0.0001"]


def test_differences_of_large_values_are_relative():
    assert compared({"value": [10000.5]}, {"value": [10000.0]}).passed
    assert not compared({"value": [10002.0]}, {"value": [10000.0]}).passed


def test_not_a_number_is_a_fault():
    assert compared({"value": [np.nan]}, {"value": [1.0]}).faults == [
        "value in a batch differs by up to nan, more than 0.0001"
    ]


def test_another_label_is_a_fault():
    scores = [[0.7, 0.3], [0.2, 0.8]]
    proof = compared({"label": [b"b", b"b"], "scores": scores}, {"label": [b"a", b"b"], "scores": scores})
    assert proof.faults == ["1 of 2 labels in a batch are others"] and proof.near_ties == 0


def test_another_label_is_none_where_the_two_best_scores_are_near_each_other():
    scores = [[0.50004, 0.49996], [0.2, 0.8]]
    proof = compared({"label": [b"b", b"b"], "scores": scores}, {"label": [b"a", b"b"], "scores": scores})
    assert proof.passed and proof.near_ties == 1


def test_missing_and_extra_outputs_are_faults():
    proof = compared({"value": [1.0]}, {"score": [1.0]})
    assert proof.faults == ["outputs in a batch are ['value'] and not ['score']"]


def test_report_is_json():
    report = json.loads(Proof(examples=3, faults=["bad"]).to_json())
    assert (report["passed"], report["examples"], report["faults"]) == (False, 3, ["bad"])
