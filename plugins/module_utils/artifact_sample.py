# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sample of MLflow's artifacts: how it is drawn, and where a file of MLflow's lies in an S3 store."""

from __future__ import annotations

import hashlib
import heapq
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import unquote, urlparse, urlunparse

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

RUN = "run"
LOGGED_MODEL = "logged_model"
MODEL_VERSION = "model_version"
KINDS = (RUN, LOGGED_MODEL, MODEL_VERSION)
S3 = "s3"
PROXIED = "mlflow-artifacts"
ELSEWHERE = ""

_ANCHOR = "/api/2.0/mlflow-artifacts/artifacts/"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Owner:
    """A run, a logged model, or a version `NAME/NUMBER` of a registered model, and the URI of its artifacts."""

    kind: str
    id: str
    uri: str

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.id}"


@dataclass(frozen=True)
class Place:
    """A bucket, and a key or the beginning of keys without a slash at the end."""

    bucket: str
    key: str

    def below(self, path: str) -> Place:
        """Return the place of something under this one."""
        return Place(self.bucket, "/".join(part for part in (self.key, path) if part))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class File:
    """An artifact of an owner."""

    owner: Owner
    path: str
    place: Place

    @property
    def uri(self) -> str:
        """Return the URI that MLflow's clients would name it by."""
        return f"{self.owner.uri.rstrip('/')}/{self.path}"


@dataclass(frozen=True)
class Digest:
    """What was read; the size is in bytes."""

    size: int
    sha256: str


class Draw(Generic[_T]):
    """A sample of a stream of any length, without repetition and in little memory.

    Each name has a rank that follows from the seed, and the lowest ranks are kept: the order of the stream does not
    matter, and a name more or less changes one item of the sample and not all.
    """

    def __init__(self, size: int, seed: str) -> None:
        """Keep how many are wanted."""
        self.offered = 0
        self._size = size
        self._seed = seed
        self._worst: list[tuple[int, str]] = []
        self._kept: dict[str, _T] = {}

    def offer(self, name: str, item: _T) -> None:
        """Take an item into the sample or not; a name that is kept already is not taken twice."""
        self.offered += 1
        if name in self._kept:
            return
        entry = (-self._rank(name), name)
        if len(self._kept) < self._size:
            heapq.heappush(self._worst, entry)
        else:
            dropped = heapq.heappushpop(self._worst, entry)
            if dropped == entry:
                return
            del self._kept[dropped[1]]
        self._kept[name] = item

    def items(self) -> list[_T]:
        """Return the sample, in an order as random as itself."""
        return [self._kept[name] for _rank, name in sorted(self._worst, reverse=True)]

    def _rank(self, name: str) -> int:
        text = f"{self._seed}\0{name}".encode(errors="surrogatepass")
        return int.from_bytes(hashlib.sha256(text).digest()[:16], "big")


def scheme_of(uri: str) -> str:
    """Tell how a URI is read: S3, PROXIED through MLflow, or ELSEWHERE."""
    scheme = uri.partition(":")[0].lower()
    if scheme == S3:
        return S3
    if scheme == PROXIED or (scheme in ("http", "https") and _ANCHOR in uri):
        return PROXIED
    return ELSEWHERE


def proxied_path(uri: str) -> str:
    """Return the path that MLflow's server reads a proxied URI as, below its artifacts destination."""
    path = urlparse(uri).path
    if scheme_of(uri) == PROXIED and _ANCHOR in path:
        path = path.split(_ANCHOR)[1]
    return path.strip("/")


def is_servable(path: str) -> bool:
    """Tell whether MLflow's server takes a path of an artifact as it is.

    It decodes a path again and again and refuses some, so that a file that a client wrote to S3 under such a name
    cannot be read through the server, or another one is read in its place.
    """
    try:
        taken = urlunparse(urlparse(unquote(path)))
    except ValueError:
        return False
    return (
        taken == path
        and not any(ord(character) < 32 or ord(character) == 127 for character in path)
        and "#" not in path
        and not path.startswith("file:")
        and not pathlib.PureWindowsPath(path).is_absolute()
        and not {"", ".", ".."} & set(path.split("/"))
    )


class Layout:
    """Where the files of a URI lie in the store."""

    def __init__(self, destination: Place | None, renamed: Mapping[str, str]) -> None:
        """Keep where MLflow puts proxied artifacts, and what has another name in the store."""
        self._destination = destination
        self._renamed = dict(renamed)

    @classmethod
    def parse(cls, destination: str | None, bucket_map: Mapping[str, object]) -> Layout:
        """Read the options; raise InputError, naming the option, where they cannot be used."""
        place = None
        if destination:
            bucket, _, key = _bare(destination).partition("/")
            if scheme_of(destination) != S3 or not bucket:
                raise InputError(
                    f"artifacts_destination: found {destination!r}, write s3://BUCKET or s3://BUCKET/PREFIX."
                )
            place = Place(bucket, key)
        renamed = {}
        for name, other in bucket_map.items():
            if not isinstance(other, str) or not _bare(name) or not _bare(other):
                raise InputError(f"bucket_map: found {name!r}: {other!r}, write BUCKET or BUCKET/PREFIX for both.")
            renamed[_bare(name)] = _bare(other)
        return cls(place, renamed)

    def place(self, uri: str) -> Place:
        """Return the place in the store of a URI of S3 or a proxied one; InputError where the destination is needed."""
        if scheme_of(uri) == S3:
            # Read as MLflow does, which ignores a query and a fragment.
            parts = urlparse(uri)
            place = Place(parts.netloc, parts.path.strip("/"))
        elif self._destination is None:
            raise InputError(
                f"artifacts_destination: is missing and MLflow serves {uri}, write what the server has as"
                " MLFLOW_ARTIFACTS_DESTINATION."
            )
        else:
            place = self._destination.below(proxied_path(uri))
        return self._rename(place)

    def _rename(self, place: Place) -> Place:
        whole = f"{place.bucket}/{place.key}".rstrip("/")
        fitting = [name for name in self._renamed if whole == name or whole.startswith(f"{name}/")]
        if not fitting:
            return place
        name = max(fitting, key=len)
        bucket, _, key = (self._renamed[name] + whole[len(name) :]).partition("/")
        return Place(bucket, key)


def _bare(name: str) -> str:
    return name.removeprefix("s3://").strip("/")
