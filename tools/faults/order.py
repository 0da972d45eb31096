"""The order in which faults come."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def shuffled(things: Sequence[T], count: int, seed: int) -> list[T]:
    """Return *count* of the things at random, each of them once before one of them comes again."""
    if not things:
        return []
    source = random.Random(seed)  # noqa: S311 - no secret
    found: list[T] = []
    while len(found) < count:
        found += source.sample(things, len(things))
    return found[:count]
