# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparison of two stores, against small stores in this process that can be told to misbehave."""

from __future__ import annotations

import json
import stat
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import s3_comparison, s3_listing, s3_signature, s3_wire
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_listing import Entry
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import Store
from ansible_collections.onprem.mlflow.plugins.modules import s3_compare
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.unit.plugins.s3_fake import PARTS, FakeStore, Handler, Thing, fill, some

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
        if method == "GET" and not key and "max-keys=10&" in handler.path:
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
    assert str(urlsplit(url).hostname) in lines["host"] or "[::1]" in lines["host"]


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
