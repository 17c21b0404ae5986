"""Kinds of answers, one module each; loaded when first used."""

from __future__ import annotations

import importlib
from typing import Any

_MODULES = {
    "Classification": "classification",
    "Forecasting": "forecasting",
    "Regression": "regression",
    "Transcription": "transcription",
    "StepClassification": "step_classification",
    "SureClassification": "sure_classification",
    "Translation": "translation",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'zoo.tasks' has no attribute {name!r}; it has {', '.join(sorted(_MODULES))}")
    return getattr(importlib.import_module(f"zoo.tasks.{_MODULES[name]}"), name)
