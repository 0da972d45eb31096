"""Users have on RustFS what they had on MinIO, and buckets their settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from testinfra.backend.base import CommandResult

from ..conftest import ALICE_SECRET, minio_client, rustfs_address

if TYPE_CHECKING:
    from ...conftest import Platform

READ_ALOUD = "import urllib.request; print(urllib.request.urlopen('{}').read().decode())"
REFUSALS = ("Insufficient permissions", "Access Denied", "check key failed", "does not exist")
Mc = Callable[[str], CommandResult]


@pytest.fixture(scope="module")
def mc(platform: Platform) -> Mc:
    """MinIO's own client, with RustFS's administrator and the users of MinIO as aliases."""
    platform.write("/run/note", "written by a user")
    root = platform.secret("rustfs_root_access_key"), platform.secret("rustfs_root_secret_key")
    users = {
        "alice": ("alice", ALICE_SECRET),
        "bob": ("bob", "bobs-secret-1"),
        "carol": ("carol", "carols-secret-1"),
        "notebook": ("alice-notebook", "notebook-secret-1"),
        "roots_own": ("roots-own", "roots-own-secret-1"),
    }
    return minio_client(platform, root=root, **users)


@pytest.mark.parametrize(
    "words",
    [
        "cat alice/mlflow/rich/object",
        "cat notebook/mlflow/rich/object",
        "ls alice/mlflow/",
        "cp /run/note alice/public/by-alice",
        "cp /run/note bob/public/by-bob",
    ],
)
def test_users_may_what_they_might(mc: Mc, words: str) -> None:
    done = mc(words)
    assert done.succeeded, done


@pytest.mark.parametrize(
    "words",
    [
        "cat alice/mlflow/hostile/plus+sign",
        "cat notebook/mlflow/hostile/plus+sign",
        "cp /run/note alice/mlflow/by-alice",
        "cat bob/mlflow/rich/object",
        "ls carol/mlflow/",
        "ls roots_own/mlflow/",
    ],
)
def test_users_may_not_more(mc: Mc, words: str) -> None:
    done = mc(words)
    assert done.failed, done
    assert any(said in done.stderr for said in REFUSALS), done


def test_a_public_bucket_is_public(platform: Platform) -> None:
    read = platform.host.check_output("python3 -c %s", READ_ALOUD.format(f"{rustfs_address(platform)}/public/secretly"))
    assert read == "encrypted by MinIO"
    assert platform.host.run(
        "python3 -c %s", READ_ALOUD.format(f"{rustfs_address(platform)}/mlflow/rich/object")
    ).failed


def test_buckets_have_their_settings(mc: Mc) -> None:
    assert json.loads(mc("tag list --json root/public").stdout)["tagset"] == {"team": "lab", "stage": "old one"}
    assert "Enabled" in mc("version info --json root/versioned").stdout.title()
    assert "scratch/" in mc("ilm export root/versioned").stdout
    assert "GOVERNANCE" in mc("retention info --default --json root/locked").stdout.upper()
