# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects of two stores held against each other: headers, tags and, where nothing proves it the same, content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional

from ansible_collections.onprem.mlflow.plugins.module_utils import s3_headers as headers_of
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_journal import Findings
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_listing import Entry
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_seen import digest
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_signature import object_path
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_wire import (
    Answer,
    Question,
    StuckError,
    Waiting,
    Wire,
)

# Objects up to this size come with the answer that tells their headers, where they have to be read anyway.
SMALL_BYTES = 128 << 10
CHECKSUMS = (("x-amz-checksum-mode", "ENABLED"),)
# How often an object that is written meanwhile is compared anew.
ATTEMPTS = 3
# How often a content may break off at the same place.
STUCK_PAUSES = 5

Pair = tuple[Optional[Entry], Optional[Entry]]


class ChangedError(Exception):
    """An object that was written or removed while it was read."""


class UnreadableError(Exception):
    """An object that its store does not give; the message is the reason."""


class Place(NamedTuple):
    """A bucket of a store, and how errors name it."""

    store: Store
    bucket: str
    variable: str


@dataclass(frozen=True)
class Habits:
    """How to compare."""

    read: str = "auto"
    tags: str = "auto"
    chunk_bytes: int = 1 << 20
    patience: float = 120.0


class Side:
    """One of the two stores, for one thread."""

    def __init__(self, name: str, place: Place, habits: Habits) -> None:
        """Take where it is; no connection is made yet."""
        self.name = name
        self.bucket = place.bucket
        self._store = place.store
        self.wire = Wire(place.store, habits.patience)
        self.patient = habits.patience
        self.tells_tags = False

    def check(self) -> None:
        """Wait until the store answers at all; raise WireError when patience ends."""
        wire = Wire(self._store, self.patient, busy_attempts=None)
        try:
            wire.ask(Question("HEAD", f"/{self.bucket}"))
        finally:
            wire.close()

    def probe(self, key: str, whole: bool) -> Question:
        """Ask for an object's headers, or for all of it."""
        return Question("GET" if whole else "HEAD", object_path(self.bucket, key), "", CHECKSUMS)

    def tags(self, keys: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return the tags of objects; those that vanished meanwhile are left out."""
        questions = [Question("GET", object_path(self.bucket, key), "tagging=") for key in keys]
        found: dict[str, dict[str, str]] = {}
        for key, answer in zip(keys, self.wire.ask_all(questions)):
            if answer.status == 200:
                try:
                    found[key] = headers_of.parse_tags(answer.body)
                except ValueError as exc:
                    raise UnreadableError(f"{self.name}: {exc}") from exc
            elif answer.code == "NoSuchTagSet":
                found[key] = {}
            elif answer.status != 404:
                raise UnreadableError(f"{self.name}: {said(answer)} to the question for its tags")
        return found

    def has_tags(self, headers: headers_of.Headers, habit: str) -> bool:
        """Tell whether to ask for an object's tags."""
        if habit == "never":
            return False
        if not self.tells_tags:
            self.tells_tags = headers_of.tells_tags(headers)
        count = headers.get(headers_of.TAG_COUNT)
        if count is not None:
            return count != "0"
        return habit == "always" or not self.tells_tags


def said(answer: Answer) -> str:
    """Return status and code of an answer."""
    return f"answered {answer.status} {answer.code}".rstrip()


class Content:
    """The bytes of one version of an object, read on from where a broken connection left off."""

    def __init__(self, side: Side, key: str, etag: str) -> None:
        """Take which version; nothing is asked yet."""
        self._side = side
        self._key = key
        self._etag = etag
        self._at = 0
        self._open = False
        self._waiting = Waiting(side.patient)
        self._checked = False

    def fill(self, view: memoryview) -> None:
        """Fill the view with the next bytes; raise ChangedError where the version is gone."""
        wire = self._side.wire
        filled = 0
        while filled < len(view):
            try:
                if not self._open:
                    self._start()
                count = wire.read_into(view[filled:])
            except OSError as exc:
                wire.close()
                self._open = False
                self._pause(exc)
                continue
            if not count:
                # Shorter than its headers said: another version, or a store that lost the end.
                raise UnreadableError(f"{self._side.name}: its content ends after {self._at} bytes")
            filled += count
            self._at += count
            self._waiting.end()
            self._checked = False

    def _pause(self, reason: OSError) -> None:
        """Wait before the next attempt; raise UnreadableError where only this object is not given."""
        if self._waiting.pauses < STUCK_PAUSES:
            self._waiting.pause(reason)
            return
        if self._checked:
            raise UnreadableError(f"{self._side.name}: {reason} after {self._at} bytes, again and again") from reason
        self._side.check()
        # The store is there, or is there again: once more.
        self._checked = True
        self._waiting.end()

    def stop(self) -> None:
        """Leave the rest unread."""
        self._side.wire.close()

    def _start(self) -> None:
        plain = f'if-match: "{self._etag}"\r\n'
        if self._at:
            plain += f"range: bytes={self._at}-\r\n"
        path = object_path(self._side.bucket, self._key)
        answer = self._side.wire.open(Question("GET", path, "", (), plain))
        if answer.status in (404, 412):
            raise ChangedError(self._key)
        if answer.status not in (200, 206):
            raise UnreadableError(f"{self._side.name}: {said(answer)}")
        if headers_of.etag(answer.headers) != self._etag:
            raise ChangedError(self._key)
        if self._at and not answer.headers.get("content-range", "").startswith(f"bytes {self._at}-"):
            raise OSError("did not go on from where the content broke off")
        self._open = True


class Comparer:
    """Compares objects pair by pair; for one thread."""

    def __init__(self, source: Place, target: Place, habits: Habits) -> None:
        """Take both places."""
        self.sides = (Side("source", source, habits), Side("target", target, habits))
        self._habits = habits
        self._known: Set[str] = frozenset()
        self._buffers: tuple[bytearray, bytearray] | None = None
        self.bytes_read = 0

    def close(self) -> None:
        """Close the connections."""
        for side in self.sides:
            side.wire.close()

    def compare(self, pairs: Sequence[Pair], known: Set[str] = frozenset()) -> Findings:
        """Return what is found about some pairs; raise WireError where a store is gone.

        The content of the known keys was the same, as both were listed.
        """
        self._known = known
        try:
            return self._settled(pairs)
        except (StuckError, UnreadableError):
            # One of them is at fault, or a store is busy.
            pass
        found = Findings()
        for pair in pairs:
            one = self._alone(pair)
            found.add(one, shown=len(pairs))
            found.seen.extend(one.seen)
        return found

    def _alone(self, pair: Pair) -> Findings:
        """Compare one pair; a store that answers otherwise has trouble with this object."""
        reason = ""
        for _ in range(2):
            try:
                return self._settled([pair])
            except UnreadableError as exc:
                reason = str(exc)
                break
            except StuckError as exc:
                reason = str(exc)
                for side in self.sides:
                    side.check()
        found = Findings()
        found.counts["objects"] = 1
        found.counts["bytes"] = (pair[0] or pair[1] or Entry("", 0, "", "")).size
        found.note("unreadable", {"key": _key(pair), "reason": reason})
        return found

    def _settled(self, pairs: Sequence[Pair]) -> Findings:
        """Compare, and anew what was written meanwhile."""
        by_key: dict[str, Findings] = {}
        left = list(pairs)
        for _ in range(ATTEMPTS):
            left = self._once(left, by_key)
            if not left:
                break
        for pair in left:
            found = by_key[_key(pair)] = Findings()
            found.counts["objects"] = 1
            found.note("unsettled", _key(pair))
        total = Findings()
        for pair in pairs:
            if _key(pair) in by_key:
                total.add(by_key[_key(pair)], shown=len(pairs))
                total.seen.extend(by_key[_key(pair)].seen)
        return total

    def _once(self, pairs: Sequence[Pair], by_key: dict[str, Findings]) -> list[Pair]:
        """Note what is found by key; return the pairs of which a side changed in the middle."""
        whole = [self._read_anyway(pair) for pair in pairs]
        ours, theirs = (
            side.wire.ask_all([side.probe(_key(pair), one) for pair, one in zip(pairs, whole)]) for side in self.sides
        )
        tags = self._tags(pairs, ours, theirs)
        changed: list[Pair] = []
        for pair, one, other in zip(pairs, ours, theirs):
            key = _key(pair)
            found = Findings()
            try:
                self._judge(pair, one, other, (tags[0].get(key), tags[1].get(key)), found)
            except ChangedError:
                changed.append(pair)
                continue
            except UnreadableError as exc:
                found.counts["objects"] = 1
                found.note("unreadable", {"key": key, "reason": str(exc)})
            by_key[key] = found
        return changed

    def _read_anyway(self, pair: Pair) -> bool:
        """Tell whether a small object comes along with its headers."""
        one, other = pair
        if one is None or other is None or one.size != other.size or self._habits.read == "never":
            return False
        if not 0 < one.size <= SMALL_BYTES or one.key in self._known:
            return False
        return self._habits.read == "always" or one.etag != other.etag or not headers_of.is_md5(one.etag)

    def _tags(
        self, pairs: Sequence[Pair], ours: Sequence[Answer], theirs: Sequence[Answer]
    ) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
        """Return the tags on both sides of the pairs of which a side may have any."""
        habit = self._habits.tags
        listed: dict[str, dict[str, str]] = {}
        keys = []
        for pair, one, other in zip(pairs, ours, theirs):
            if not one.status == other.status == 200:
                continue
            same = _listed_tags(pair, one, other) if habit == "auto" else None
            if same is not None:
                listed[_key(pair)] = same
                continue
            # Both are asked for their opinion, which is remembered.
            wanted = [side.has_tags(found.headers, habit) for side, found in zip(self.sides, (one, other))]
            if any(wanted):
                keys.append(_key(pair))
        if not keys:
            return listed, listed
        return {**listed, **self.sides[0].tags(keys)}, {**listed, **self.sides[1].tags(keys)}

    def _judge(
        self,
        pair: Pair,
        one: Answer,
        other: Answer,
        tags: tuple[dict[str, str] | None, dict[str, str] | None],
        found: Findings,
    ) -> None:
        """Note what two answers about an object say."""
        key = _key(pair)
        for side, answer in zip(self.sides, (one, other)):
            if answer.status not in (200, 404):
                raise UnreadableError(f"{side.name}: {said(answer)}")
        if one.status == other.status == 404:
            # Removed on both sides since it was listed.
            return
        if one.status == 404:
            found.note("extra", key)
            return
        found.counts["objects"] = 1
        found.counts["bytes"] = headers_of.size(one.headers)
        if other.status == 404:
            found.note("missing", key)
            return
        unequal = headers_of.differences(one.headers, other.headers)
        if tags[0] != tags[1]:
            if tags[0] is None or tags[1] is None:
                raise ChangedError(key)
            unequal["tags"] = (tags[0], tags[1])
        more: dict[str, Any] = {}
        earlier = False
        if "size" not in unequal:
            earlier = key in self._known and _is_content(pair[0], one) and _is_content(pair[1], other)
            if not earlier:
                self._content(key, one, other, found, unequal, more)
        if not unequal:
            found.counts["same"] = 1
            found.counts["earlier"] = int(earlier)
            if (
                pair[0]
                and pair[1]
                and self._as_listed(pair[0], one, tags[0])
                and self._as_listed(pair[1], other, tags[1])
            ):
                found.seen.append((key, digest(pair[0], pair[1])))
            return
        what = sorted(unequal, key=lambda name: name not in ("size", "content"))
        found.note(
            "different",
            {
                "key": key,
                "what": what,
                "source": {name: unequal[name][0] for name in what},
                "target": {name: unequal[name][1] for name in what},
                **more,
            },
        )

    def _as_listed(self, entry: Entry, answer: Answer, tags: dict[str, str] | None) -> bool:
        """Tell whether what was compared is what had been listed."""
        if not _is_content(entry, answer) or not headers_of.is_time(answer.headers, entry.modified):
            return False
        return entry.tags is None or self._habits.tags == "never" or headers_of.listed_tags(entry.tags) == (tags or {})

    def _content(
        self,
        key: str,
        one: Answer,
        other: Answer,
        found: Findings,
        unequal: dict[str, tuple[object, object]],
        more: dict[str, Any],
    ) -> None:
        """Find out whether the content is the same, and by what."""
        habit = self._habits.read
        way = headers_of.proof(one.headers, other.headers) if habit != "always" else ""
        size = headers_of.size(one.headers)
        if way:
            found.by[way] += 1
            return
        if habit == "never" and size:
            raise UnreadableError("its content is not proven by an ETag or checksum, and read is never")
        at = self._first_difference(key, one, other, size)
        found.by["read"] += 1
        if at is not None:
            unequal["content"] = (headers_of.etag(one.headers), headers_of.etag(other.headers))
            more["first_difference"] = at

    def _first_difference(self, key: str, one: Answer, other: Answer, size: int) -> int | None:
        """Return at which byte two objects of one size first differ, or nothing."""
        if not size:
            return None
        if len(one.body) == len(other.body) == size:
            self.bytes_read += 2 * size
            return _differ_at(one.body, other.body)
        at = self._stream(key, headers_of.etag(one.headers), headers_of.etag(other.headers), size)
        for side, answer in zip(self.sides, (one, other)):
            now = side.wire.ask(side.probe(key, False))
            if now.status != 200 or headers_of.version(now.headers) != headers_of.version(answer.headers):
                raise ChangedError(key)
        return at

    def _stream(self, key: str, ours: str, theirs: str, size: int) -> int | None:
        """Read both sides at once, chunk by chunk."""
        if self._buffers is None:
            self._buffers = (bytearray(self._habits.chunk_bytes), bytearray(self._habits.chunk_bytes))
        left, right = self._buffers
        contents = (Content(self.sides[0], key, ours), Content(self.sides[1], key, theirs))
        done = 0
        while done < size:
            count = min(len(left), size - done)
            for content, buffer in zip(contents, (left, right)):
                with memoryview(buffer) as view:
                    content.fill(view[:count])
            # What lies behind a short last chunk is of the one before, and was the same.
            if left != right:
                at = _differ_at(left[:count], right[:count])
                if at is not None:
                    for content in contents:
                        content.stop()
                    return done + at
                left[count:] = right[count:]
            done += count
            self.bytes_read += 2 * count
        return None


def _differ_at(one: bytes | bytearray, other: bytes | bytearray) -> int | None:
    """Return the first place where two texts of one length differ, by halving."""
    if one == other:
        return None
    low, high = 0, len(one)
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _is_content(entry: Entry | None, answer: Answer) -> bool:
    """Tell whether an answer is about the content that was listed."""
    headers = answer.headers
    return entry is not None and (entry.etag, entry.size) == (headers_of.etag(headers), headers_of.size(headers))


def _listed_tags(pair: Pair, ours: Answer, theirs: Answer) -> dict[str, str] | None:
    """Return the tags that both sides list, if both have the same ones and their headers count as many."""
    one, other = pair
    if one is None or other is None or one.tags is None or other.tags is None:
        return None
    tags = headers_of.listed_tags(one.tags)
    if one.tags != other.tags and tags != headers_of.listed_tags(other.tags):
        return None
    count = str(len(tags))
    if any(answer.headers.get(headers_of.TAG_COUNT, "0") != count for answer in (ours, theirs)):
        return None
    return tags


def all_told(one: Entry | None, other: Entry | None, habits: Habits) -> bool:
    """Tell whether listings that tell the same as before mean that nothing changed, tags included."""
    return habits.tags == "never" or (one is not None and other is not None and None not in (one.tags, other.tags))


def _key(pair: Pair) -> str:
    one, other = pair
    if one is not None:
        return one.key
    if other is not None:
        return other.key
    raise ValueError("a pair of nothing")


def suspect_bytes(pairs: Iterable[Pair], read: str) -> int:
    """Return how much is likely to be read to compare some pairs, in bytes of one side."""
    total = 0
    for one, other in pairs:
        if one is None or other is None or one.size != other.size or read == "never":
            continue
        if read == "always" or one.etag != other.etag or not headers_of.is_md5(one.etag):
            total += one.size
    return total
