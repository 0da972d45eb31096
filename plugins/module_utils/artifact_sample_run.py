# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Artifacts that are read through the front door and held against a store."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, NamedTuple

from ansible_collections.onprem.mlflow.plugins.module_utils.artifact_sample import (
    ELSEWHERE,
    KINDS,
    MODEL_VERSION,
    PROXIED,
    Digest,
    Draw,
    File,
    Layout,
    Owner,
    is_servable,
    proxied_path,
    scheme_of,
)
from ansible_collections.onprem.mlflow.plugins.module_utils.artifact_sample_rest import ArtifactClient, TooLargeError
from ansible_collections.onprem.mlflow.plugins.module_utils.artifact_sample_store import StoreReader
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.mlflow_rest import RestError, StatusError, explain

# Of each kind and scheme: many runs have no artifacts, and the sample is to be filled all the same.
OWNERS_LOOKED_AT = 5000
# MLflow's list takes ten times as long as the store's. These are asked for all the same, so that a store that has
# nothing, or the wrong one, is noticed.
OWNERS_LISTED_ANYWAY = 50
FILES_PER_OWNER = 5000
FOLDERS_PER_OWNER = 100
NAMED = 3

LISTS = ("drawn", "different", "missing_in_store", "missing_in_mlflow", "changed_since")
PASSED_OVER = ("too_large", "refused", "elsewhere", "gone")


class Answer(NamedTuple):
    """What came through MLflow, why it is not good, and whether MLflow takes no such name at all."""

    read: Digest | None
    reason: str | None
    refused: bool


class SampleError(Exception):
    """Nothing can be said about the artifacts; the message is one sentence."""


@dataclass
class Outcome:
    """What was seen."""

    drawn: list[dict[str, Any]] = field(default_factory=list)
    different: list[dict[str, Any]] = field(default_factory=list)
    missing_in_store: list[dict[str, Any]] = field(default_factory=list)
    missing_in_mlflow: list[dict[str, Any]] = field(default_factory=list)
    changed_since: list[dict[str, Any]] = field(default_factory=list)
    listed: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(KINDS, 0)))
    looked_at: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(KINDS, 0)))
    passed_over: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(PASSED_OVER, 0)))

    def as_result(self) -> dict[str, Any]:
        """Return the values for a module's result."""
        counters = {name: dict(getattr(self, name)) for name in ("listed", "looked_at", "passed_over")}
        return {
            **{name: getattr(self, name) for name in LISTS},
            **counters,
            "same": sum(item["same"] for item in self.drawn),
            "bytes": sum(item["bytes"] or 0 for item in self.drawn),
        }

    def failure(self, mlflow: str) -> str | None:
        """Say in one sentence what is wrong, naming the first ones; None where nothing is."""
        named = [
            *(f"{_name(item)} is not in the store" for item in self.missing_in_store),
            *(f"{_name(item)} cannot be read through MLflow ({item['reason']})" for item in self.missing_in_mlflow),
            *(
                f"{_name(item)} has {item['bytes']} bytes with SHA-256 {item['sha256'][:12]}… through MLflow and"
                f" {item['source_bytes']} bytes with {item['source_sha256'][:12]}… in the store"
                for item in self.different
            ),
        ]
        if not named:
            return None
        counts = [
            (len(self.different), "different"),
            (len(self.missing_in_mlflow), "not readable through MLflow"),
            (len(self.missing_in_store), "not in the store"),
        ]
        found = ", ".join(f"{count} {what}" for count, what in counts if count)
        more = f"; and {len(named) - NAMED} more" if len(named) > NAMED else ""
        return (
            f"Of {len(self.drawn)} artifacts that were to be read through {mlflow}, {found}:"
            f" {'; '.join(named[:NAMED])}{more};"
            " look at the endpoint, the key and the bucket that MLflow has, and at its log."
        )

    def nothing(self) -> str:
        """Say why there is nothing in the sample."""
        if not sum(self.listed.values()):
            return "MLflow has no runs, logged models and model versions, so there was no artifact to read."
        kinds = ", ".join(f"{self.looked_at[kind]} of {self.listed[kind]} {kind.replace('_', ' ')}s" for kind in KINDS)
        passed = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in self.passed_over.items() if count)
        if passed:
            return f"No artifact of {kinds} could be drawn, what they have was passed over ({passed})."
        if self.looked_at == self.listed:
            return f"MLflow has no artifacts, {kinds} were looked at and have none."
        return f"No artifacts were found, {kinds} were looked at and have none."


def _name(item: Mapping[str, Any]) -> str:
    # A name may hold anything; it is shown on one line.
    return f"{item['kind'].replace('_', ' ')} {item['id']} {item['path']!r}"


class Sampler:
    """Draws artifacts, or takes those that are named, and reads each from both sides."""

    def __init__(
        self, client: ArtifactClient, store: StoreReader, layout: Layout, sample: int, max_bytes: int, seed: str
    ) -> None:
        """Keep what shall be read; `max_bytes` is for one file."""
        self._client = client
        self._store = store
        self._layout = layout
        self._sample = sample
        self._max_bytes = max_bytes
        self._seed = seed
        self.outcome = Outcome()

    def draw(self) -> Outcome:
        """Read a sample of what MLflow has; SampleError or StoreReadError where that cannot be asked."""
        try:
            streams = deque(self._files(owners.items()) for owners in self._owners().values())
            while streams and len(self.outcome.drawn) < self._sample:
                file = next(streams[0], None)
                if file is None:
                    streams.popleft()
                    continue
                self._hold(file, None)
                # The next one is of another kind.
                streams.rotate(-1)
        except RestError as exc:
            raise self._explained(exc) from exc
        except InputError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise self._strange() from exc
        return self.outcome

    def again(self, expected: Sequence[Mapping[str, Any]]) -> Outcome:
        """Read the artifacts of a former result."""
        uris: dict[tuple[str, str], str] = {}
        for item in expected:
            kind, name = str(item["kind"]), str(item["id"])
            if (kind, name) not in uris:
                uris[kind, name] = self._uri_now(Owner(kind, name, ""))
            uri = uris[kind, name]
            owner = Owner(kind, name, uri)
            if scheme_of(uri) == ELSEWHERE:
                reason = f"MLflow has {uri!r} as its place" if uri else "MLflow does not have it"
                self._add(_record(owner, str(item["path"]), str(item.get("uri") or ""), None, None), reason)
                continue
            try:
                self._hold(self._file(owner, str(item["path"])), item)
            except RestError as exc:
                raise self._explained(exc) from exc
            except (AttributeError, KeyError, TypeError) as exc:
                raise self._strange() from exc
        return self.outcome

    def _uri_now(self, owner: Owner) -> str:
        try:
            return self._client.current_uri(owner)
        except StatusError as exc:
            if exc.status == 404 and exc.code:
                return ""
            raise self._explained(exc) from exc
        except RestError as exc:
            raise self._explained(exc) from exc
        except (AttributeError, KeyError, TypeError) as exc:
            raise self._strange() from exc

    def _owners(self) -> dict[tuple[str, str], Draw[Owner]]:
        """Draw owners of each kind and scheme, in memory that does not grow with the number of runs."""
        found: dict[tuple[str, str], Draw[Owner]] = {}
        for owner in self._client.owners():
            self.outcome.listed[owner.kind] += 1
            scheme = scheme_of(owner.uri)
            if scheme == ELSEWHERE and owner.kind != MODEL_VERSION:
                self.outcome.passed_over["elsewhere"] += 1
                self.outcome.looked_at[owner.kind] += 1
                continue
            draw = found.setdefault(
                (owner.kind, scheme), Draw(max(OWNERS_LOOKED_AT, self._sample), f"{self._seed} {owner.kind}")
            )
            draw.offer(owner.id, owner)
        return dict(sorted(found.items()))

    def _files(self, owners: Sequence[Owner]) -> Iterator[File]:
        """Return a file of each owner, then the others of theirs."""
        rest: list[list[File]] = []
        for number, owner in enumerate(owners):
            self.outcome.looked_at[owner.kind] += 1
            files = self._candidates(owner, number < OWNERS_LISTED_ANYWAY)
            if files:
                yield files[0]
                rest.append(files[1:])
        for others in zip_longest(*rest):
            yield from (file for file in others if file is not None)

    def _candidates(self, owner: Owner, list_anyway: bool) -> list[File]:
        """Draw files of an owner, from what MLflow lists and from what the store has, so that neither hides a loss."""
        if not owner.uri:
            owner = Owner(owner.kind, owner.id, self._uri_now(owner))
        if scheme_of(owner.uri) == ELSEWHERE:
            self.outcome.passed_over["elsewhere"] += 1
            return []
        place = self._layout.place(owner.uri)
        sizes = dict(self._store.files(place, FILES_PER_OWNER))
        if sizes or list_anyway:
            for path, size in self._walk(owner):
                sizes[path] = max(size, sizes.get(path, 0))
        draw: Draw[File] = Draw(self._sample, f"{self._seed} {owner.id}")
        for path, size in sizes.items():
            if not size and (not path or path.endswith("/")):
                # What S3 tools make for an empty folder.
                continue
            file = self._file(owner, path)
            if not is_servable(self._served_path(file)):
                self.outcome.passed_over["refused"] += 1
            elif size > self._max_bytes:
                self.outcome.passed_over["too_large"] += 1
            else:
                draw.offer(path, file)
        return draw.items()

    def _file(self, owner: Owner, path: str) -> File:
        return File(owner, path, self._layout.place(owner.uri).below(path))

    def _served_path(self, file: File) -> str:
        if scheme_of(file.owner.uri) == PROXIED:
            return f"{proxied_path(file.owner.uri)}/{file.path}"
        return file.path

    def _walk(self, owner: Owner) -> Iterator[tuple[str, int]]:
        """Return the files that MLflow lists; a folder that it does not list is left to what the store has."""
        if not self._client.has_list(owner):
            return
        folders, seen, files = deque([""]), {""}, 0
        while folders and len(seen) <= FOLDERS_PER_OWNER and files < FILES_PER_OWNER:
            try:
                entries = self._client.folder(owner, folders.popleft())
            except TooLargeError:
                continue
            except StatusError as exc:
                if _is_login(exc):
                    raise
                continue
            for entry in entries:
                if entry.is_folder:
                    if entry.path not in seen and is_servable(entry.path):
                        seen.add(entry.path)
                        folders.append(entry.path)
                else:
                    files += 1
                    yield entry.path, entry.size

    def _hold(self, file: File, expected: Mapping[str, Any] | None) -> None:
        """Read a file from both sides and say what is found; of a drawn one nothing where MLflow refuses its name."""
        theirs, reason, refused = self._through_mlflow(file)
        if expected is None and refused:
            self.outcome.passed_over["refused"] += 1
            return
        mine = self._store.read(file.place)
        if expected is None and theirs is None and mine is None:
            # Deleted since it was listed.
            self.outcome.passed_over["gone"] += 1
            return
        if expected is None and theirs != mine and mine and self._store.files(file.place, 1):
            # A folder has the same name, and MLflow serves that.
            self.outcome.passed_over["refused"] += 1
            return
        record = _record(file.owner, file.path, file.uri, theirs, mine)
        self._add(record, reason)
        if expected and expected.get("sha256") and theirs and expected["sha256"] != theirs.sha256:
            self.outcome.changed_since.append(record)

    def _add(self, record: dict[str, Any], reason: str | None) -> None:
        self.outcome.drawn.append(record)
        if reason is not None:
            self.outcome.missing_in_mlflow.append({**record, "reason": reason})
        elif record["source_sha256"] is None:
            self.outcome.missing_in_store.append(record)
        elif not record["same"]:
            self.outcome.different.append(record)

    def _through_mlflow(self, file: File) -> Answer:
        """Read a file as a client does, and look whether its folder lists it."""
        try:
            read = self._client.read(file.owner, file.path)
        except StatusError as exc:
            if _is_login(exc):
                raise
            return Answer(None, _reason(exc), exc.status == 400 and exc.code == "INVALID_PARAMETER_VALUE")
        try:
            listed = self._is_listed(file)
        except TooLargeError:
            listed = True
        except StatusError as exc:
            return Answer(read, f"its folder is not listed, {exc}", False)
        return Answer(read, None if listed else "its folder is listed without it", False)

    def _is_listed(self, file: File) -> bool:
        if not self._client.has_list(file.owner):
            return True
        folder = posixpath.dirname(file.path)
        if folder and not is_servable(folder):
            return True
        return any(entry.path == file.path for entry in self._client.folder(file.owner, folder) if not entry.is_folder)

    def _explained(self, error: RestError) -> SampleError:
        return SampleError(f"MLflow's artifacts cannot be read: {explain(error, self._client.endpoint, _advice)}.")

    def _strange(self) -> SampleError:
        return SampleError(
            f"MLflow's artifacts cannot be read: {self._client.endpoint.connects_to} answered with something that is"
            " not MLflow's; look at the path of the address."
        )


def _record(owner: Owner, path: str, uri: str, theirs: Digest | None, mine: Digest | None) -> dict[str, Any]:
    return {
        "kind": owner.kind,
        "id": owner.id,
        "path": path,
        "uri": uri,
        "bytes": theirs.size if theirs else None,
        "sha256": theirs.sha256 if theirs else None,
        "source_bytes": mine.size if mine else None,
        "source_sha256": mine.sha256 if mine else None,
        "same": theirs is not None and theirs == mine,
    }


def _is_login(error: StatusError) -> bool:
    # With a code it is MLflow's, whose key the store refuses.
    return error.status == 401 and not error.code


def _reason(error: StatusError) -> str:
    """Say why MLflow gives no file; of its long text only what its store answered."""
    if "occurred while downloading" not in error.message:
        return str(error)
    found = re.search(r"An error occurred \((\w+)\)", error.message)
    return (
        f"HTTP {error.status}, its store answered {found[1]}"
        if found
        else f"HTTP {error.status}, it could not fetch it from its store"
    )


def _advice(error: StatusError) -> str:
    if error.location:
        return f"write the address that it leads to as url, {error.location.partition('/api/')[0]}"
    if error.status == 401:
        return "look at the user and the password"
    if error.status in (403, 421):
        return "look at what the proxy denies, and whether the host name is one that MLflow knows"
    if error.status == 404:
        return "look at the path of the address"
    if error.status in (502, 503, 504):
        return "the proxy was reached and MLflow was not: look at the log of MLflow"
    return "look at the log of MLflow"
