"""The comparison with a real MinIO and a real RustFS: each kind of change since an earlier one is compared again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import client, store_of

from lab import up
from lab.catalogue import MINIO, RUSTFS
from lab.console import Console
from lab.rustfs import layout
from tests.contract.support import Launcher, Trial, answers, compare

pytestmark = pytest.mark.contract

KEY, SECRET = "compare-root", "compare-secret"
BUCKET = "compare"
OBJECTS = 40
PART = 5 << 20
Change = Callable[[Any, Any], Any]


@pytest.fixture(scope="module")
def stores(launcher: Launcher) -> dict[str, dict[str, str]]:
    """Start both, and return what the module calls source and target."""
    up.images_only(Console(), [MINIO.folder, RUSTFS.folder], layout.DEFAULT_PROFILE)
    minio = launcher.start(
        MINIO, command=["server", "/data"], environment={"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET}
    )
    rustfs = launcher.start(
        RUSTFS,
        environment={
            "RUSTFS_VOLUMES": "/data",
            "RUSTFS_ACCESS_KEY": KEY,
            "RUSTFS_SECRET_KEY": SECRET,
            "RUSTFS_CHECK_UPDATE": "false",
        },
    )

    def place(trial: Trial, path: str) -> dict[str, str]:
        trial.wait_until(lambda: answers(f"http://{trial.address()}:9000{path}"))
        return {"endpoint_url": f"http://{trial.address()}:9000", "access_key": KEY, "secret_key": SECRET}

    return {"source": place(minio, "/minio/health/ready"), "target": place(rustfs, "/health/ready")}


@pytest.fixture(scope="module")
def sides(stores: dict[str, dict[str, str]]) -> tuple[Any, Any]:
    """Return clients of both, with a bucket that keeps versions."""
    made = []
    for store in stores.values():
        side = client(store_of(store))
        side.create_bucket(Bucket=BUCKET)
        side.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        made.append(side)
    return made[0], made[1]


def put(side: Any, key: str, body: bytes, **more: Any) -> None:
    side.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="text/plain", **more)


def put_parts(side: Any, key: str, body: bytes) -> None:
    upload = side.create_multipart_upload(Bucket=BUCKET, Key=key, ContentType="text/plain")["UploadId"]
    parts = []
    for number, at in enumerate(range(0, len(body), PART), 1):
        named = {"Bucket": BUCKET, "Key": key, "UploadId": upload, "PartNumber": number}
        parts.append({"PartNumber": number, "ETag": side.upload_part(**named, Body=body[at : at + PART])["ETag"]})
    side.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": parts})


def tag(side: Any, key: str, value: str) -> None:
    side.put_object_tagging(Bucket=BUCKET, Key=key, Tagging={"TagSet": [{"Key": "state", "Value": value}]})


def reveal_older(side: Any, key: str) -> None:
    """Remove the newest version."""
    newest = side.head_object(Bucket=BUCKET, Key=key)["VersionId"]
    side.delete_object(Bucket=BUCKET, Key=key, VersionId=newest)


def delete(side: Any, key: str) -> None:
    side.delete_object(Bucket=BUCKET, Key=key)


def fill(sides: tuple[Any, Any], prefix: str) -> None:
    """Write the same on both sides, in an older version that differs and a newest that does not."""
    for number, side in enumerate(sides):
        put(side, f"{prefix}versions", b"%d" % number)
        for count in range(OBJECTS):
            put(side, f"{prefix}{count:02d} ü+", b"%d" % count, Metadata={"n": str(count)}, CacheControl="no-cache")
        put(side, f"{prefix}versions", b"n")
        put(side, f"{prefix}tagged", b"t", Tagging="state=old&b=x%20y")
        put_parts(side, f"{prefix}parts", bytes(PART) + b"end")


def changed(key: str) -> dict[str, Any]:
    return {"different": [key], "same": OBJECTS + 2, "earlier": OBJECTS + 2}


CHANGES: dict[str, tuple[Change, dict[str, Any]]] = {
    "nothing": (lambda *_: None, {"same": OBJECTS + 3, "earlier": OBJECTS + 3}),
    "tags of the source": (lambda source, _: tag(source, "tagged", "new"), changed("tagged")),
    "tags of the target": (lambda _, target: tag(target, "00 ü+", "new"), changed("00 ü+")),
    "the same size": (lambda source, _: put(source, "versions", b"x"), changed("versions")),
    "the same content, other metadata": (lambda source, _: put(source, "tagged", b"t"), changed("tagged")),
    "an older version of the source": (lambda source, _: reveal_older(source, "versions"), changed("versions")),
    "an older version of the target": (lambda _, target: reveal_older(target, "versions"), changed("versions")),
    "removed from the source": (
        lambda source, _: delete(source, "tagged"),
        {"extra": ["tagged"], "same": OBJECTS + 2, "earlier": OBJECTS + 2},
    ),
    "removed from the target": (
        lambda _, target: delete(target, "tagged"),
        {"missing": ["tagged"], "same": OBJECTS + 2, "earlier": OBJECTS + 2},
    ),
    "new": (
        lambda source, _: put(source, "new", b"n"),
        {"missing": ["new"], "same": OBJECTS + 3, "earlier": OBJECTS + 3},
    ),
    "the same content, written again on the target": (
        lambda _, target: put(target, "versions", b"n"),
        {"same": OBJECTS + 3, "earlier": OBJECTS + 2},
    ),
    "other content, written on the target": (lambda _, target: put(target, "versions", b"y"), changed("versions")),
}


class Prefixed:
    """A client that writes below a prefix."""

    def __init__(self, side: Any, prefix: str) -> None:
        self._side = side
        self._prefix = prefix

    def __getattr__(self, name: str) -> Callable[..., Any]:
        ask = getattr(self._side, name)
        return lambda *, Key, **more: ask(Key=f"{self._prefix}{Key}", **more)  # noqa: N803 (boto3's name)


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_compared_again(
    name: str, stores: dict[str, dict[str, str]], sides: tuple[Any, Any], tmp_path: Path
) -> None:
    change, expected = CHANGES[name]
    prefix = f"{name}/"
    fill(sides, prefix)
    first, second = str(tmp_path / "first"), str(tmp_path / "second")

    compare_below = partial(compare, stores, BUCKET, prefix=prefix)
    whole = compare_below(journal=first)
    assert (whole["equal"], whole["same"], whole["by"]["read"]) == (True, OBJECTS + 3, 1)
    change(Prefixed(sides[0], prefix), Prefixed(sides[1], prefix))
    result = compare_below(journal=second, since=first)
    assert result["bytes_read"] < 1000
    assert result["earlier_by"] == whole["by"]
    found = {
        "different": [what["key"].removeprefix(prefix) for what in result["different"]],
        **{kind: [key.removeprefix(prefix) for key in result[kind]] for kind in ("missing", "extra")},
    }
    counts = {"same": result["same"], "earlier": result["earlier"]}
    assert {**found, **counts} == {"different": [], "missing": [], "extra": [], **expected}
    again = compare_below(since=second)
    assert (again["earlier"], again["same"]) == (result["same"], result["same"])
    rest = compare_below(only=second)
    lasting = ("earlier_by", "equal", "objects", "bytes", "same", "earlier", "different", "missing", "extra")
    assert {kind: rest[kind] for kind in lasting} == {kind: result[kind] for kind in lasting}
