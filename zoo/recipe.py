"""What a recipe file returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.types import Augment, Dataset, Frontend, Network, Source, Spec, Task, Training

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Joins data, frontend, network, task and training settings.

    Args:
      input: What the frontend takes; a dataset that gives something else is refused.
      dataset: Loads the public data set.
      sample: Loads the small data set that ships with the zoo.
      frontend: Builds the layer that makes features of raw input; it is called as `layer(values, length)`, returns
        `(features, length)`, and tells what it gives by `layer.features(input) -> Spec`. One that learns from the train
        split first has `layer.adapt(inputs)`. None where raw input is features.
      labels: Builds the layer that makes label ids of target texts; it is called, and tells what it gives, as the
        frontend. None where targets are learnt as they are.
      network: Builds the model from the specs of features and target; it takes `[features, length]` and returns logits.
      task: The kind of answer.
      training: How it is fitted.
      sample_settings: Settings for the sample, which is there to show the whole chain in about a minute, where the user
        sets none; a smaller network, fewer epochs.
      pretraining: How the network learns before it sees targets, from train and the split "unlabelled" where there is
        one; None, or no epochs, for not at all.
      pretraining_network: Makes of the network a model that takes the same, shares its layers and returns its loss; the
        model may have `averaged_over`, as of a task.
      augment_raw: `(input, seed: int32[2]) -> input` on one raw train example, before the frontend; stateless.
      augment_features: `(features, seed: int32[2]) -> features` on one train example, after the frontend; stateless.
    """

    input: Spec
    dataset: Callable[[Source], Dataset]
    sample: Callable[[Source], Dataset]
    network: Network
    task: Task
    training: Training
    sample_settings: Mapping[str, Any] = field(default_factory=dict)
    frontend: Frontend | None = None
    labels: Frontend | None = None
    pretraining: Training | None = None
    pretraining_network: Callable[[keras.Model], keras.Model] | None = None
    augment_raw: Augment | None = None
    augment_features: Augment | None = None
