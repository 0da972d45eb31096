# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparison of two stores, against small stores in this process that can be told to misbehave."""

from __future__ import annotations

import hashlib
import json
import stat
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import s3_comparison, s3_listing, s3_signature, s3_wire
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_journal import Earlier
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_listing import Entry
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store
from ansible_collections.onprem.mlflow.plugins.modules import s3_compare
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

RunModule = Callable[..., dict[str, Any]]
ANSWERS = json.loads((Path(__file__).parents[1] / "fixtures" / "minio" / "objects.json").read_text())

HOSTILE = (
    *("sp ace", "pl+us", "pc%2F", "pc%20", "q\"'<>", "amp&?#=;:,@!$", "ctl\x01\x1f\x7f", "nl\nx", "cr\rx", "tab\t"),
    *(
        "e\u0301",
        "\u00e9",
        "A",
        "a",
        "back\\slash",
        "*?[]{}",
        "dir/",
        "dir/x",
        "dir-x",
        "dir.x",
        "dir0",
        "a//b",
        "/lead",
    ),
    *(
        "\U0001f600",
        "\ufffd",
        "é" * 100 + "/" + "z" * 700,
        "~",
        "%",
        "%%",
        "x/./y",
        "x/../y",
        ".",
        "..",
        " lead",
        "end ",
    ),
)


@dataclass
class Thing:
    """An object of a store."""

    body: bytes = b""
    etag: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    modified: float = 1_700_000_000.0

    def __post_init__(self) -> None:
        self.etag = self.etag or hashlib.md5(self.body, usedforsecurity=False).hexdigest()


class FakeStore(ThreadingHTTPServer):
    """Lists, gives headers, content and tags."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.things: dict[str, Thing] = {}
        self.asked: list[str] = []
        self.name = "MinIO"
        self.page = 10
        # Called with method, key and the handler before it answers; True if it answered itself.
        self.before: Callable[[str, str, Handler], bool] = lambda *_: False
        self.order: Callable[[str], Any] = str.encode

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def count(self, method: str) -> int:
        return sum(line.startswith(method) for line in self.asked)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that closes a connection is part of the test."""


class Handler(BaseHTTPRequestHandler):
    server: FakeStore
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: Any) -> None:
        """Keep the output of the tests clean."""

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return self.server.name

    def error(self, status: int, code: str) -> None:
        self.reply(status, f"<Error><Code>{code}</Code></Error>".encode())

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        # Not from urlsplit alone: a path that begins with two slashes is a path.
        path, _, query = self.path.partition("?")
        values = {name: value[0] for name, value in parse_qs(query, keep_blank_values=True).items()}
        bucket, _, key = unquote(path[1:]).partition("/")
        self.server.asked.append(f"{self.command} {key}{'?tagging' if 'tagging' in values else ''}")
        if self.server.before(self.command, key, self):
            return
        if bucket != "bucket":
            self.error(404, "NoSuchBucket")
        elif not key and self.command == "GET":
            self.list(values)
        elif not key:
            self.reply(200)
        else:
            self.give(key, "tagging" in values)

    def list(self, values: dict[str, str]) -> None:
        after = values.get("continuation-token") or values.get("start-after", "")
        order = self.server.order
        ranked = [(order(key), key) for key in self.server.things if key.startswith(values["prefix"])]
        keys = [key for rank, key in sorted(ranked) if not after or rank > order(after)]
        size = min(self.server.page, int(values["max-keys"]))
        shown, more = keys[:size], len(keys) > size
        rows = []
        for key in shown:
            thing = self.server.things[key]
            when = time.strftime("%Y-%m-%dT%H:%M:%S.123Z", time.gmtime(thing.modified))
            rows.append(
                f"<Contents><Key>{quote_plus(key, safe='/')}</Key><LastModified>{when}</LastModified>"
                f"<ETag>&quot;{thing.etag}&quot;</ETag><Size>{len(thing.body)}</Size></Contents>"
            )
        token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        document = (
            "<ListBucketResult><EncodingType>url</EncodingType>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(rows)}</ListBucketResult>"
        )
        self.reply(200, document.encode())

    def give(self, key: str, tagging: bool) -> None:
        thing = self.server.things.get(key)
        if thing is None:
            self.error(404, "NoSuchKey")
            return
        if tagging:
            rows = "".join(f"<Tag><Key>{k}</Key><Value>{v}</Value></Tag>" for k, v in thing.tags.items())
            self.reply(200, f"<Tagging><TagSet>{rows}</TagSet></Tagging>".encode())
            return
        if self.headers.get("if-match", f'"{thing.etag}"') != f'"{thing.etag}"':
            self.error(412, "PreconditionFailed")
            return
        when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(thing.modified))
        headers = {"ETag": f'"{thing.etag}"', "Last-Modified": when, **thing.headers}
        if thing.tags and self.server.name == "MinIO":
            headers["x-amz-tagging-count"] = str(len(thing.tags))
        body, status = thing.body, 200
        if "range" in self.headers:
            start = int(self.headers["range"].removeprefix("bytes=").removesuffix("-"))
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body, status = body[start:], 206
        self.reply(status, body, headers)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_wire, "PAUSE_SECONDS", 0.05)


@pytest.fixture
def source() -> Iterator[FakeStore]:
    yield from serving()


@pytest.fixture
def target() -> Iterator[FakeStore]:
    yield from serving()


def serving() -> Iterator[FakeStore]:
    server = FakeStore()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def compare(source: FakeStore, target: FakeStore, run_module: RunModule) -> RunModule:
    def run(*, check: bool = False, **options: Any) -> dict[str, Any]:
        stores = {
            name: {"endpoint_url": server.url, "access_key": "reader", "secret_key": "geheim"}
            for name, server in (("source", source), ("target", target))
        }
        return run_module(s3_compare.main, {**stores, "bucket": "bucket", "patience": 3, **options}, check=check)

    return run


def fill(source: FakeStore, target: FakeStore, things: dict[str, Thing]) -> None:
    source.things.update(things)
    target.things.update({key: replace(thing) for key, thing in things.items()})


def some(count: int) -> dict[str, Thing]:
    return {f"key {number:05d}": Thing(b"%d" % number) for number in range(count)}


PARTS = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(21_875))


def test_hostile_keys_reach_the_store_unchanged(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, {key: Thing(key.encode(), tags={"n": "1"}) for key in HOSTILE})
    result = compare()
    assert result["equal"] is True
    assert result["same"] == result["objects"] == len(HOSTILE)
    assert result["by"] == {"etag": len(HOSTILE), "checksum": 0, "read": 0}
    for server in (source, target):
        heads = {line.removeprefix("HEAD ") for line in server.asked if line.startswith("HEAD ")}
        assert heads == set(HOSTILE)
    assert result["changed"] is False


def test_everything_that_differs_is_found(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, some(300))
    target.things["key 00001"] = Thing(b"2")
    target.things["key 00002"].headers = {"Content-Type": "text/html", "Cache-Control": "no-cache"}
    target.things["key 00003"].headers = {"x-amz-meta-a": "ü".encode().decode("latin-1")}
    source.things["key 00004"].tags = {"a": "1"}
    target.things["key 00005"].tags = {"a": "1"}
    target.things["key 00006"] = Thing(b"longer")
    del target.things["key 00007"], source.things["key 00008"]
    result = compare()
    assert result["equal"] is False
    assert {found["key"][-1]: found["what"] for found in result["different"]} == {
        "1": ["content"],
        "2": ["content_type", "cache_control"],
        "3": ["metadata"],
        "4": ["tags"],
        "5": ["tags"],
        "6": ["size"],
    }
    assert result["different"][2]["target"] == {"metadata": {"a": "ü"}}
    assert result["different"][0]["first_difference"] == 0
    assert (result["missing"], result["extra"]) == (["key 00007"], ["key 00008"])
    assert (result["objects"], result["same"], result["different_count"]) == (299, 292, 6)


@pytest.mark.parametrize("place", [0, 1, 4095, 4096, 250_000, 699_999])
def test_parts_are_read(source: FakeStore, target: FakeStore, compare: RunModule, place: int) -> None:
    fill(source, target, {"same": Thing(PARTS, "a-3"), "wrong": Thing(PARTS, "a-3"), "zz": Thing(PARTS[:-1], "a-3")})
    spoiled = bytearray(PARTS)
    spoiled[place] ^= 1
    target.things["wrong"] = Thing(bytes(spoiled), "a-3")
    result = compare(chunk_bytes=4096)
    assert [(found["key"], found["what"], found["first_difference"]) for found in result["different"]] == [
        ("wrong", ["content"], place)
    ]
    assert result["by"] == {"etag": 0, "checksum": 0, "read": 3}
    assert result["same"] == 2


def test_small_objects_come_with_their_headers(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, some(40))
    result = compare(read="always")
    assert result["by"]["read"] == result["same"] == 40
    assert result["bytes_read"] == 2 * result["bytes"] > 0
    assert (source.count("HEAD key"), source.count("GET key")) == (0, 40)


def test_encrypted_objects_are_read(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, {"a": Thing(b"1", headers={"x-amz-server-side-encryption": "AES256"})})
    # The same ETag, which is not a digest of the content here.
    target.things["a"] = Thing(b"2", source.things["a"].etag, source.things["a"].headers)
    assert [found["what"] for found in compare()["different"]] == [["content"]]


def test_unproven_content_that_may_not_be_read(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, {"parts": Thing(PARTS, "a-3"), "plain": Thing(b"1"), "zero": Thing(b"", "a-0")})
    result = compare(read="never")
    assert result["same"] == 2
    assert [found["key"] for found in result["unreadable"]] == ["parts"]
    assert result["equal"] is False


def test_tags_are_asked_for_where_they_are_not_counted(
    source: FakeStore, target: FakeStore, compare: RunModule
) -> None:
    fill(source, target, some(20))
    target.name = "nginx"
    target.things["key 00003"].tags = {"a": "1"}
    result = compare()
    assert [found["what"] for found in result["different"]] == [["tags"]]
    assert result["different"][0]["target"] == {"tags": {"a": "1"}}
    assert sum(line.endswith("?tagging") for line in target.asked) == 20
    target.asked.clear()
    assert compare(tags="never")["equal"] is True
    assert not any(line.endswith("?tagging") for line in target.asked)


def test_tags_of_counting_stores_cost_nothing(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, some(20))
    assert compare()["equal"] is True
    assert not any(line.endswith("?tagging") for line in source.asked + target.asked)
    assert compare(tags="always")["equal"] is True
    assert sum(line.endswith("?tagging") for line in source.asked) == 20


def test_content_is_read_on_where_it_broke_off(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, {"parts": Thing(PARTS, "a-3")})
    ranges: list[str] = []

    def breaks(method: str, key: str, handler: Handler) -> bool:
        ranges.append(handler.headers.get("range", ""))
        if method != "GET" or key != "parts" or len([line for line in target.asked if line == "GET parts"]) > 3:
            return False
        start = int((handler.headers.get("range") or "bytes=0-")[6:-1])
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(PARTS) - start))
        handler.send_header("Content-Range", f"bytes {start}-{len(PARTS) - 1}/{len(PARTS)}")
        handler.send_header("ETag", '"a-3"')
        handler.end_headers()
        handler.wfile.write(PARTS[start : start + 100_000])
        handler.close_connection = True
        return True

    target.before = breaks
    result = compare()
    assert result["equal"] is True
    assert [text for text in ranges if text] == ["bytes=100000-", "bytes=200000-", "bytes=300000-"]


def test_content_that_always_breaks_off_is_named(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, {"broken": Thing(PARTS, "a-3"), "fine": Thing(b"1")})

    def breaks(method: str, key: str, handler: Handler) -> bool:
        if (method, key) != ("GET", "broken"):
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(PARTS)))
        handler.send_header("ETag", '"a-3"')
        handler.end_headers()
        handler.close_connection = True
        return True

    target.before = breaks
    result = compare(patience=60)
    assert result["same"] == 1
    assert [found["key"] for found in result["unreadable"]] == ["broken"]
    assert result["unreadable"][0]["reason"].startswith("target: closed the connection in the middle of an answer")


def test_store_that_starts_anew_is_waited_for(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    """Everything is answered with 503 for longer than a single object would be asked for."""
    fill(source, target, {**some(30), "parts": Thing(PARTS, "a-3")})
    until = {"at": 0.0}

    def starts(method: str, key: str, handler: Handler) -> bool:
        if (method, key) == ("GET", "parts") and not until["at"]:
            until["at"] = time.monotonic() + 2
        if time.monotonic() < until["at"]:
            handler.error(503, "XMinioServerNotInitialized")
            return True
        return False

    target.before = starts
    assert compare(patience=60)["equal"] is True
    assert until["at"]


def test_object_that_is_refused_is_named(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, some(30))

    def refuses(_method: str, key: str, handler: Handler) -> bool:
        if key in ("key 00003", "key 00007"):
            handler.error(403 if key.endswith("3") else 500, "AccessDenied")
            return True
        return False

    source.before = refuses
    result = compare()
    assert [found["key"] for found in result["unreadable"]] == ["key 00003", "key 00007"]
    assert result["same"] == 28


def test_store_that_is_away_for_a_while_is_waited_for(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, some(200))
    bad = {"left": 3}

    def busy(method: str, key: str, handler: Handler) -> bool:
        if method == "HEAD" and key > "key 00100" and bad["left"]:
            bad["left"] -= 1
            if bad["left"]:
                handler.error(503, "SlowDown")
            handler.close_connection = True
            return True
        return False

    target.before = busy
    assert compare()["equal"] is True
    assert bad["left"] == 0


def test_answers_that_come_one_by_one(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    """A store, or something before it, that closes after each answer, whatever was sent after the first question."""
    fill(source, target, some(100))

    def closes(_method: str, _key: str, handler: Handler) -> bool:
        handler.close_connection = True
        return False

    target.before = source.before = closes
    assert compare()["same"] == 100


def test_object_written_while_it_is_read_is_compared_again(
    source: FakeStore, target: FakeStore, compare: RunModule
) -> None:
    fill(source, target, {"parts": Thing(PARTS, "a-3")})
    times = {"left": 1}

    def writes(method: str, key: str, _handler: Handler) -> bool:
        if (method, key) == ("GET", "parts") and times["left"]:
            times["left"] -= 1
            fill(source, target, {"parts": Thing(PARTS[::-1], "b-3")})
        return False

    target.before = writes
    assert compare()["equal"] is True
    times["left"] = -1
    counter = iter(range(100))

    def writes_again(method: str, key: str, _handler: Handler) -> bool:
        if (method, key) == ("GET", "parts"):
            target.things["parts"] = Thing(PARTS, f"{next(counter)}-3")
        return False

    target.before = writes_again
    result = compare()
    assert result["unsettled"] == ["parts"]
    assert result["equal"] is False


def test_object_removed_after_it_was_listed(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, some(5))

    def removes(method: str, _key: str, _handler: Handler) -> bool:
        if method == "HEAD":
            source.things.pop("key 00003", None)
            target.things.pop("key 00003", None)
            target.things.pop("key 00004", None)
        return False

    source.before = removes
    result = compare()
    assert (result["missing"], result["extra"], result["same"]) == (["key 00004"], [], 3)


def test_listing_in_another_order_is_refused(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, {key: Thing(b"1") for key in ("\U0001f600", "\ufffd", "a")})
    target.order = lambda key: key.encode("utf-16-be")
    result = compare(target_name="rustfs")
    assert result["msg"].startswith("rustfs: the listing is not sorted by the bytes of its keys, '\ufffd' comes after")


def test_listing_that_is_cut_short_is_refused(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, some(30))

    def cuts(method: str, key: str, handler: Handler) -> bool:
        if method == "GET" and not key and "max-keys=1000" in handler.path:
            handler.reply(200, b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>")
            return True
        return False

    target.before = cuts
    assert "says that there is more, and not where it goes on" in compare()["msg"]


def test_key_that_may_list_and_not_read(source: FakeStore, target: FakeStore, compare: RunModule) -> None:
    fill(source, target, some(500))

    def refuses(_method: str, key: str, handler: Handler) -> bool:
        if key:
            handler.error(403, "AccessDenied")
        return bool(key)

    target.before = refuses
    result = compare()
    assert "the comparison of bucket 'bucket' broke off (target: answered 403)" in result["msg"]


def test_killed_comparison_goes_on(
    source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_comparison, "JOURNAL_SECONDS", 0.0)
    fill(source, target, some(1000))
    for number in (5, 995):
        target.things[f"key {number:05d}"] = Thing(b"other")
        del target.things[f"key {number + 1:05d}"]
    journal = tmp_path / "journal"

    def dies(method: str, key: str, handler: Handler) -> bool:
        if method == "HEAD" and key > "key 00700":
            handler.close_connection = True
            handler.connection.close()
            return True
        return False

    source.before = dies
    broken = compare(journal=str(journal), workers=1, patience=0)
    assert "the comparison of bucket 'bucket' broke off (" in broken["msg"]
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    with journal.open("ab") as file:
        # As a kill leaves it: findings that no line vouches for, and half a line.
        file.write(b'{"missing":"key 00701"}\n{"to":"key 00')
    source.before = lambda *_: False
    source.asked.clear()
    result = compare(journal=str(journal))
    assert result["continued"] is True
    assert result["objects"] == 1000
    assert result["same"] == 996
    assert [found["key"] for found in result["different"]] == ["key 00005", "key 00995"]
    assert result["missing"] == ["key 00006", "key 00996"]
    assert 300 <= source.count("HEAD key") < 500
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line["missing"] for line in lines if "missing" in line] == ["key 00006", "key 00996"]
    assert lines[-1]["counts"]["objects"] == 1000
    again = compare(journal=str(journal))
    assert again["continued"] is False
    assert {name: again[name] for name in ("objects", "same", "missing")} == {
        name: result[name] for name in ("objects", "same", "missing")
    }


@pytest.mark.parametrize("change", [{"run": "2"}, {"prefix": "key 0"}, {"read": "always"}])
def test_journal_of_something_else_is_not_continued(
    source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path, change: dict[str, str]
) -> None:
    fill(source, target, some(200))
    journal = tmp_path / "journal"
    options = {"journal": str(journal), "run": "1"}
    compare(**options)
    unfinished = journal.read_text().splitlines(keepends=True)[:-1]
    journal.write_text("".join(unfinished))
    assert compare(**options)["continued"] is True
    journal.write_text("".join(unfinished))
    assert compare(**{**options, **change})["continued"] is False


def test_file_that_is_no_journal_is_left_alone(
    source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    for text in ("precious\n", '{"a": 1}\n', "x"):
        other.write_text(text)
        assert "is not a journal of a comparison" in compare(journal=str(other))["msg"]
        assert other.read_text() == text
    other.write_text('{"jour')
    assert compare(journal=str(other))["equal"] is True
    assert "cannot be written" in compare(journal=str(tmp_path / "none" / "journal"))["msg"]


def test_earlier_comparison_is_built_upon(
    source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path
) -> None:
    fill(source, target, some(100))
    target.things["key 00010"] = Thing(b"77")
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    assert compare(journal=first)["different_count"] == 1
    source.asked.clear()
    now = time.time() + 60
    fill(source, target, {"key 00020": Thing(b"new", modified=now), "key 00101": Thing(b"new", modified=now)})
    target.things["key 00030"] = Thing(b"XX", modified=now)
    result = compare(journal=second, since=first)
    assert [found["key"] for found in result["different"]] == ["key 00010", "key 00030"]
    assert (result["objects"], result["same"], result["earlier"]) == (101, 99, 97)
    assert source.count("HEAD key") + source.count("GET key") == 4
    assert "is of a comparison that did not end" in compare(since=cut(first))["msg"]
    assert "is not a journal of these stores" in compare(since=second, prefix="key")["msg"]
    assert "is the journal of this comparison itself" in compare(since=second, journal=second)["msg"]


def cut(path: str) -> str:
    """Take the last line away."""
    file = Path(path)
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    return path


def test_what_an_earlier_comparison_covers() -> None:
    clocks = (1_700_000_100.0, 1_700_000_100.0)
    old, new = "2023-11-14T22:13:20.000Z", "2023-11-14T22:15:00Z"
    entry = Entry("a", 1, "e", old)
    covered = s3_comparison.is_covered
    assert covered(entry, entry, Earlier(clocks, frozenset()))
    assert not covered(entry, entry, Earlier(clocks, frozenset({"a"})))
    assert not covered(entry, entry._replace(size=2), Earlier(clocks, frozenset()))
    assert not covered(entry, entry._replace(modified=new), Earlier(clocks, frozenset()))
    assert not covered(entry._replace(modified="soon"), entry, Earlier(clocks, frozenset()))


def test_progress_and_check_mode(source: FakeStore, target: FakeStore, compare: RunModule, tmp_path: Path) -> None:
    fill(source, target, some(30))
    progress, journal = tmp_path / "progress", tmp_path / "journal"
    options = {"progress": str(progress), "journal": str(journal)}
    assert compare(check=True, **options)["same"] == 30
    assert not list(tmp_path.iterdir())
    result = compare(**options)
    state = json.loads(progress.read_text())
    assert (state["objects"], state["bytes"], state["differences"]) == (30, result["bytes"], 0)
    assert not (tmp_path / "progress.tmp").exists()
    assert result["memory_bytes"] > 1 << 20


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"bucket": "no/bucket"}, "bucket: found 'no/bucket', write the name of a bucket."),
        ({"bucket": "other"}, "source: http://127.0.0.1:"),
        ({"target_bucket": "other"}, "target: http://127.0.0.1:"),
        ({"prefix": "none/"}, "prefix: found 'none/', which no key in bucket 'bucket' of the source begins with"),
        ({"workers": 0}, "workers: found 0, write a number from 1 to 256."),
        ({"since": "/nowhere"}, "since: '/nowhere' cannot be read (No such file or directory)"),
    ],
)
def test_bad_input(compare: RunModule, change: dict[str, Any], text: str) -> None:
    result = compare(**change)
    assert result["msg"].startswith(text)
    assert "geheim" not in json.dumps({**result, "invocation": None})


def test_source_as_target_is_refused(source: FakeStore, run_module: RunModule) -> None:
    store = {"endpoint_url": source.url, "access_key": "reader", "secret_key": "geheim"}
    result = run_module(s3_compare.main, {"source": store, "target": dict(store), "bucket": "bucket"})
    assert result["msg"] == "target: is bucket 'bucket' of the source itself, write another store."


@pytest.mark.parametrize("key", HOSTILE)
@pytest.mark.parametrize("url", ["http://minio:9000", "https://s3.example.org", "http://[::1]:80"])
def test_signature_is_that_of_botocore(key: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(url, "reader", "geheim/+=")
    signer = s3_signature.Signer(store)
    path, query = s3_signature.object_path("bucket", key), s3_signature.query_string({"tagging": "", "a b": key})
    head = signer.head("GET", path, query, (("x-amz-checksum-mode", "ENABLED"),)).decode()
    lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
    request = AWSRequest("GET", f"{url}{path}?{query}", {"x-amz-checksum-mode": "ENABLED", "Host": lines["host"]})
    auth = S3SigV4Auth(Credentials("reader", "geheim/+="), "s3", "us-east-1")
    request.context["timestamp"] = lines["x-amz-date"]
    request.headers["X-Amz-Date"] = lines["x-amz-date"]
    request.headers["X-Amz-Content-SHA256"] = s3_signature.EMPTY
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    assert lines["authorization"].endswith(f"Signature={signature}")
    assert urlsplit(url).hostname in lines["host"] or "[::1]" in lines["host"]


def test_pages_of_minio() -> None:
    first = s3_listing.parse_page(ANSWERS["listing"]["first"].encode())
    last = s3_listing.parse_page(ANSWERS["listing"]["last"].encode())
    keys = [entry.key for entry in first.entries + last.entries]
    assert keys == sorted(keys, key=str.encode)
    assert {"sp ace+%2F&?#\"'<", "nl\n\x01\x1f", "e\u0301/\u00e9", "\U0001f600/"} < set(keys)
    assert (first.truncated, bool(first.token), last.truncated) == (True, True, False)
    assert first.entries[0] == Entry("empty", 0, "d41d8cd98f00b204e9800998ecf8427e", first.entries[0].modified)
    with pytest.raises(s3_listing.ListingError, match="it is a Error"):
        s3_listing.parse_page(ANSWERS["listing"]["no_bucket"].encode())
    with pytest.raises(s3_listing.ListingError):
        s3_listing.parse_page(b"<html>")


def test_memory_does_not_grow_with_the_listing() -> None:
    """A listing of 10,000 keys on both sides, merged and cut, with nothing asked about them."""

    def keys() -> Iterator[list[Entry]]:
        for page in range(10):
            yield [Entry(f"{page:06d}/{n:04d}", 1, "e", "2023-11-14T22:13:20Z") for n in range(1000)]

    earlier = Earlier((2e9, 2e9), frozenset())
    ahead = [s3_listing.Ahead(keys()) for _ in range(2)]
    tracemalloc.start()
    try:
        cut_up = s3_comparison.batches(s3_comparison.merge(ahead[0], ahead[1]), "auto", earlier)
        total = sum(batch.earlier for batch in cut_up)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 10_000
    # Of 20,000 entries that would be 6 MB.
    assert peak < 2 << 20


def test_chunked_and_closed_answers() -> None:
    """Bodies whose length is not told beforehand, as proxies send them."""
    listing = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: Any) -> None:
            """Keep the output of the tests clean."""

        def do_GET(self) -> None:
            self.send_response(200)
            if self.path.startswith("/chunked"):
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for part in (listing[:7], listing[7:]):
                    self.wfile.write(b"%x;x=y\r\n%s\r\n" % (len(part), part))
                self.wfile.write(b"0\r\nTrailer: x\r\n\r\n")
            else:
                self.end_headers()
                self.wfile.write(listing)
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        wire = s3_wire.Wire(Store(f"http://127.0.0.1:{server.server_address[1]}", "a", "b"), 0)
        for path in ("/chunked", "/closed", "/chunked", "/chunked"):
            assert wire.ask(s3_wire.Question("GET", path)).body == listing
        answers = wire.ask_all([s3_wire.Question("GET", "/chunked")] * 20)
        assert [answer.body for answer in answers] == [listing] * 20
        wire.close()
    finally:
        server.shutdown()
        server.server_close()
