# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two sorted listings become one: pairs, and what only one side has, and what was known of each before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar


class Keyed(Protocol):
    """Something with a key."""

    @property
    def key(self) -> str:
        """Its key."""
        ...


K = TypeVar("K", bound=Keyed)
V = TypeVar("V")


class UnsortedError(Exception):
    """A listing that is not in strict order of its keys; the message is one sentence."""

    def __init__(self, side: str, before: str, key: str) -> None:
        """Keep which listing and where."""
        super().__init__(
            f"{side}: the listing is not sorted by the bytes of its keys, {key!r} comes after {before!r},"
            " and cannot be compared; look at the version of the store."
        )


def in_order(entries: Iterable[K], side: str) -> Iterator[K]:
    """Pass entries on; raise UnsortedError at the first key that is not greater than the one before.

    Text compares by code points, which is the order of its UTF-8 bytes.
    """
    before: str | None = None
    for entry in entries:
        key = entry.key
        if before is not None and key <= before:
            raise UnsortedError(side, before, key)
        before = key
        yield entry


def merge(
    left: Iterable[K], right: Iterable[K], names: tuple[str, str] = ("source", "target")
) -> Iterator[tuple[K | None, K | None]]:
    """Return each key once, in order, with its entry on either side; at most one entry of each is looked at ahead."""
    lefts, rights = in_order(left, names[0]), in_order(right, names[1])
    one, other = next(lefts, None), next(rights, None)
    while one is not None and other is not None:
        if one.key == other.key:
            yield one, other
            one, other = next(lefts, None), next(rights, None)
        elif one.key < other.key:
            yield one, None
            one = next(lefts, None)
        else:
            yield None, other
            other = next(rights, None)
    while one is not None:
        yield one, None
        one = next(lefts, None)
    while other is not None:
        yield None, other
        other = next(rights, None)


def with_known(
    merged: Iterable[tuple[K | None, K | None]], known: Iterable[tuple[str, V]]
) -> Iterator[tuple[K | None, K | None, V | None]]:
    """Add to each pair what is known of its key, or None; known things are in the order of keys, too."""
    things = iter(known)
    thing = next(things, None)
    for one, other in merged:
        entry = one if one is not None else other
        if entry is None:
            continue
        key = entry.key
        while thing is not None and thing[0] < key:
            thing = next(things, None)
        yield one, other, thing[1] if thing is not None and thing[0] == key else None
