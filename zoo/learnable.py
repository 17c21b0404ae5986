"""Examples that a task can learn at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import tensorflow as tf

from zoo.chain import Chain
from zoo.features import count
from zoo.recipe import Recipe


def learnable(
    recipe: Recipe, chain: Chain, prepared: Mapping[str, tf.data.Dataset]
) -> tuple[dict[str, tf.data.Dataset], dict[str, int]]:
    """Features without the train and val examples that the recipe's task cannot learn, and how many those are.

    Args:
      recipe: Its task says what fits.
      chain: Its network has a `stride`, the steps that make one frame.
      prepared: Features by split, as `prepare` gives them.
    """
    kept, left_out = dict(prepared), {}
    for split in ("train", "val"):
        kept[split] = prepared[split].filter(fitting(recipe, chain))
        left_out[split] = count(prepared[split]) - count(kept[split])
    return kept, left_out


def fitting(recipe: Recipe, chain: Chain) -> Callable[[dict[str, tf.Tensor]], tf.Tensor]:
    """From an example as `prepare` gives it to bool[]: whether the task can learn the shortest of its variants."""

    def fits(example: dict[str, tf.Tensor]) -> tf.Tensor:
        shortest = tf.cast(tf.reduce_min(example["splits"][1:] - example["splits"][:-1]), tf.int32)
        return recipe.task.fits(shortest, example["target"], chain.network.stride)

    return fits
