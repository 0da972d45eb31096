"""What lies in MinIO before the migration: a client's runs, and objects that are hard to copy."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from ..conftest import MANIFEST

MIB = 1 << 20
KEYS = [
    "with space",
    "plus+sign",
    "percent%2Fsign",
    "quotes'and\"more",
    "amp&question?equals=hash#",
    "control\x07character",
    unicodedata.normalize("NFC", "é"),
    unicodedata.normalize("NFD", "é"),
    "Case",
    "case",
    "a" * 200 + "/" + "b" * 200 + "/" + "c" * 200 + "/" + "d" * 200 + "/" + "e" * 95,
    "trailing/",
    "zero",
]


def test_a_client_logs_runs(client_program: Callable[..., None]) -> None:
    MANIFEST.parent.mkdir(exist_ok=True)
    client_program("fill.py", str(MANIFEST), "--runs", "3", "--traces", "1")
    assert MANIFEST.exists()


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_hostile_keys_are_stored(s3: Any, key: str) -> None:
    body = b"" if key == "zero" or key.endswith("/") else key.encode() * 7
    s3.put_object(Bucket="mlflow", Key=f"hostile/{key}", Body=body)


def test_objects_with_everything_are_stored(s3: Any) -> None:
    s3.put_object(
        Bucket="mlflow",
        Key="rich/object",
        Body=b"rich",
        ContentType="application/x-rich",
        CacheControl="max-age=60",
        ContentDisposition='attachment; filename="rich"',
        ContentEncoding="identity",
        ContentLanguage="de",
        Metadata={"owner": "anna", "note": "two words"},
        Tagging="team=lab&stage=old%20one",
    )


@pytest.mark.parametrize(("mib", "parts"), [(5, 2), (5, 13), (200, 2)])
def test_objects_in_parts_are_stored(s3: Any, mib: int, parts: int) -> None:
    key = f"parts/{parts} of {mib} MiB"
    upload = s3.create_multipart_upload(Bucket="mlflow", Key=key, ContentType="application/x-parts")["UploadId"]
    done = []
    for number in range(1, parts + 1):
        body = bytes([number]) * (mib * MIB if number < parts else 1000)
        answer = s3.upload_part(Bucket="mlflow", Key=key, UploadId=upload, PartNumber=number, Body=body)
        done.append({"PartNumber": number, "ETag": answer["ETag"]})
    s3.complete_multipart_upload(Bucket="mlflow", Key=key, UploadId=upload, MultipartUpload={"Parts": done})


def test_buckets_of_other_kinds_are_there(s3: Any) -> None:
    s3.create_bucket(Bucket="empty")
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    for number in range(3):
        s3.put_object(Bucket="versioned", Key="kept", Body=f"version {number}".encode())
    s3.put_object(Bucket="versioned", Key="deleted", Body=b"gone")
    s3.delete_object(Bucket="versioned", Key="deleted")


@pytest.mark.parametrize("name", ["gone", "changed", "tagged", "newer"])
def test_objects_that_change_while_they_are_moved_are_stored(s3: Any, name: str) -> None:
    s3.put_object(Bucket="mlflow", Key=f"between/{name}", Body=b"as it was")
