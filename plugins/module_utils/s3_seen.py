# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How both listings told the objects that were found the same, as a digest by key: as long as they tell it, they are.

Beside the journal lies a file of blocks, each compressed and with a checksum, with keys in the order of the listings.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from ansible_collections.onprem.mlflow.plugins.module_utils.s3_listing import Entry

SUFFIX = ".seen"
DIGEST_BYTES = 16
# Digests do not shrink, and keys in a row do so at any level.
LEVEL = 1
BLOCK_BYTES = 64 << 20

Seen = tuple[str, bytes]


class DamagedError(Exception):
    """A file that does not hold what was written; the message is for people."""


def digest(one: Entry, other: Entry) -> bytes:
    """Return the digest of all that both listings tell of an object."""
    told = repr((one[1:], other[1:])).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told, digest_size=DIGEST_BYTES).digest()


def block(seen: Iterable[Seen]) -> bytes:
    """Return a block of the file; nothing where there is nothing in it."""
    rows = []
    for key, value in seen:
        name = key.encode()
        rows.append(b"%c%c%b%b" % (len(name) >> 8, len(name) & 255, name, value))
    if not rows:
        return b""
    data = zlib.compress(b"".join(rows), LEVEL)
    return len(data).to_bytes(4, "big") + data


def is_one(file: BinaryIO) -> bool:
    """Tell whether a file that is open at its beginning may be of this kind: nothing, or a block."""
    head = file.read(6)
    return not head or head[4:] == zlib.compress(b"", LEVEL)[:2]


def read(file: BinaryIO, size: int) -> Iterator[Seen]:
    """Return what the first bytes of a file hold, block by block; raise DamagedError where that cannot be."""
    left = size
    while left:
        head = file.read(4)
        length = int.from_bytes(head, "big")
        data = file.read(length) if len(head) == 4 and length <= left - 4 else b""
        if not length or len(data) != length:
            raise DamagedError("ends in the middle")
        left -= 4 + length
        yield from _rows(data)


def _rows(data: bytes) -> Iterator[Seen]:
    unpacker = zlib.decompressobj()
    try:
        rows = unpacker.decompress(data, BLOCK_BYTES)
        if not unpacker.eof:
            raise DamagedError("has a block that does not end")
        at = 0
        while at < len(rows):
            start = at + 2
            end = start + int.from_bytes(rows[at:start], "big")
            at = end + DIGEST_BYTES
            if at > len(rows):
                raise DamagedError("has a broken block")
            yield rows[start:end].decode(), rows[end:at]
    except (zlib.error, ValueError) as exc:
        raise DamagedError(f"has a broken block ({exc})") from exc
