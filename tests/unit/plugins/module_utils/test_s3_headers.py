# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What headers say about two objects; the answers are recorded from a real MinIO."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils import s3_headers
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_headers import (
    differences,
    encrypted,
    is_md5,
    parse_tags,
    proof,
    tells_tags,
)

ANSWERS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "fixtures" / "minio" / "objects.json").read_text())
HEADS: dict[str, dict[str, str]] = ANSWERS["heads"]

MD5 = "9dd4e461268c8034f5c8564e155c67a6"


def headers(**more: str) -> dict[str, str]:
    return {
        "content-length": "1",
        "content-type": "binary/octet-stream",
        "etag": f'"{MD5}"',
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def test_minio_counts_tags_in_its_headers_and_only_where_there_are_some() -> None:
    assert HEADS["tagged"][s3_headers.TAG_COUNT] == "2"
    assert s3_headers.TAG_COUNT not in HEADS["plain"]
    assert tells_tags(HEADS["plain"])
    assert parse_tags(ANSWERS["tags"]["tagged"].encode()) == {"a": "1", "b b": "2 +="}
    assert parse_tags(ANSWERS["tags"]["plain"].encode()) == {}


def test_store_behind_a_proxy_is_not_known_to_count_tags() -> None:
    assert not tells_tags({"server": "nginx"})
    assert tells_tags({"server": "nginx", s3_headers.TAG_COUNT: "1"})
    assert tells_tags({"server": "RustFS"})


def test_recorded_headers_are_equal_to_themselves() -> None:
    for found in HEADS.values():
        assert differences(found, found) == {}


def test_etag_of_minio_is_proof_without_encryption_and_parts_only() -> None:
    assert {name: proof(found, found) for name, found in HEADS.items()} == {
        "plain": "etag",
        "tagged": "etag",
        "empty": "etag",
        "encrypted": "",
        "encrypted_summed": "checksum",
        "parts": "",
        "parts_summed": "",
        "summed": "etag",
    }
    assert encrypted(HEADS["encrypted"])
    assert not encrypted(HEADS["plain"])
    # MinIO shows the MD5 of the plain text here, and other stores something else.
    assert is_md5(HEADS["encrypted"]["etag"].strip('"'))


@pytest.mark.parametrize(
    ("one", "other", "way"),
    [
        ({}, {}, "etag"),
        ({"etag": '"d41d8cd98f00b204e9800998ecf8427e"'}, {}, ""),
        ({"etag": f'"{MD5}-1"'}, {"etag": f'"{MD5}-1"'}, ""),
        ({"etag": ""}, {"etag": ""}, ""),
        ({"x_amz_server_side_encryption": "AES256"}, {}, ""),
        ({}, {"x_amz_server_side_encryption_customer_algorithm": "AES256"}, ""),
    ],
)
def test_proof_by_etag(one: dict[str, str], other: dict[str, str], way: str) -> None:
    assert proof(headers(**one), headers(**other)) == way


SUM = {"etag": '"x-2"', "x_amz_checksum_sha256": "LXEW", "x_amz_checksum_type": "FULL_OBJECT"}


@pytest.mark.parametrize(
    ("one", "other", "way"),
    [
        (SUM, SUM, "checksum"),
        (SUM, {**SUM, "x_amz_checksum_sha256": "other"}, ""),
        (SUM, {**SUM, "x_amz_checksum_type": "COMPOSITE"}, ""),
        ({**SUM, "x_amz_checksum_type": "COMPOSITE"}, {**SUM, "x_amz_checksum_type": "COMPOSITE"}, ""),
        (SUM, {"etag": '"x-3"', "x_amz_checksum_sha1": "LXEW", "x_amz_checksum_type": "FULL_OBJECT"}, ""),
        (
            {"etag": '"x-2"', "x_amz_checksum_crc32": "AAAA", "x_amz_checksum_type": "FULL_OBJECT"},
            {"etag": '"x-2"', "x_amz_checksum_crc32": "AAAA", "x_amz_checksum_type": "FULL_OBJECT"},
            "",
        ),
        (
            {"etag": '"x-2"', "x_amz_checksum_crc64nvme": "AAAA", "x_amz_checksum_type": "FULL_OBJECT"},
            {"etag": '"x-2"', "x_amz_checksum_crc64nvme": "AAAA", "x_amz_checksum_type": "FULL_OBJECT"},
            "checksum",
        ),
    ],
)
def test_proof_by_checksum(one: dict[str, str], other: dict[str, str], way: str) -> None:
    assert proof(headers(**one), headers(**other)) == way


@pytest.mark.parametrize(
    ("name", "header"), [(name, header) for header, name in s3_headers.COMPARED.items()], ids=s3_headers.COMPARED.get
)
def test_each_header_is_compared(name: str, header: str) -> None:
    assert differences(headers(**{header: "a"}), headers(**{header: "b"})) == {name: ("a", "b")}
    if header != "content-type":
        assert differences(headers(**{header: "a"}), headers()) == {name: ("a", None)}
        assert differences(headers(), headers(**{header: "a"})) == {name: (None, "a")}


def test_date_in_another_form_is_the_same() -> None:
    one, other = headers(expires="Thu, 01 Dec 2033 16:00:00 GMT"), headers(expires="Thu, 1 Dec 2033 16:00:00 +0000")
    assert differences(one, other) == {}
    assert differences(one, headers(expires="0")) == {"expires": ("Thu, 01 Dec 2033 16:00:00 GMT", "0")}
    assert differences(headers(expires="0"), headers(expires="-1")) == {"expires": ("0", "-1")}
    # One without and one with a zone cannot be compared as times.
    assert "expires" in differences(one, headers(expires="Thu, 01 Dec 2033 16:00:00"))


def test_metadata_is_compared_as_bytes_and_shown_as_text() -> None:
    umlaut = "ü".encode().decode("latin-1")
    one, other = headers(**{"x-amz-meta-a": umlaut, "x-amz-meta-b": "1"}), headers(**{"x-amz-meta-a": "u\xff"})
    assert differences(one, other) == {"metadata": ({"a": "ü", "b": "1"}, {"a": "u\\xff"})}
    assert differences(one, dict(one)) == {}


def test_size() -> None:
    assert differences(headers(), headers(content_length="2")) == {"size": (1, 2)}


@pytest.mark.parametrize("document", [b"", b"<Error/>", b"<Tagging>"])
def test_what_is_no_answer_about_tags(document: bytes) -> None:
    with pytest.raises(ValueError, match="tags that are not"):
        parse_tags(document)
