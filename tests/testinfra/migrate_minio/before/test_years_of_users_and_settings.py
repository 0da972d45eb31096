"""What people once set up in MinIO: users, groups, policies, keys, and settings of buckets."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from testinfra.backend.base import CommandResult

from ..conftest import ALICE_SECRET, minio_client

if TYPE_CHECKING:
    from ...conftest import Platform

READS_RUNS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:Get*", "s3:ListBucket"], "Resource": ["arn:aws:s3:::mlflow*"]},
        {"Effect": "Deny", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::mlflow/hostile/*"]},
    ],
}
WRITES_PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": ["arn:aws:s3:::public/*"]}],
}
PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": ["*"]},
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::public/*"],
        }
    ],
}
LIFECYCLE = {
    "Rules": [{"ID": "forget", "Status": "Enabled", "Filter": {"Prefix": "scratch/"}, "Expiration": {"Days": 30}}]
}
FILES = {
    "reads-runs.json": READS_RUNS,
    "writes-public.json": WRITES_PUBLIC,
    "public.json": PUBLIC,
    "lifecycle.json": LIFECYCLE,
    "secretly": "encrypted by MinIO",
}
Mc = Callable[..., CommandResult]


@pytest.fixture(scope="module")
def mc(platform: Platform) -> Mc:
    for name, content in FILES.items():
        platform.write(f"/run/{name}", content if isinstance(content, str) else json.dumps(content))
    run = minio_client(platform)

    def check(words: str) -> CommandResult:
        done = run(words)
        assert done.succeeded, done
        return done

    return check


def test_people_have_users_and_policies(mc: Mc) -> None:
    mc("admin policy create minio reads-runs /run/reads-runs.json")
    mc("admin policy create minio writes-public /run/writes-public.json")
    mc(f"""admin user add minio alice "{ALICE_SECRET}\"""")
    mc("admin user add minio bob bobs-secret-1")
    mc("admin user add minio carol carols-secret-1")
    mc("admin policy attach minio reads-runs --user alice")
    mc("admin policy attach minio readwrite --user carol")
    mc("admin user disable minio carol")
    mc("admin group add minio lab alice bob")
    mc("admin policy attach minio writes-public --group lab")
    mc("admin user svcacct add minio alice --access-key alice-notebook --secret-key notebook-secret-1")
    mc("admin user svcacct add minio old-minio-root --access-key roots-own --secret-key roots-own-secret-1")


def test_buckets_have_settings(mc: Mc) -> None:
    mc("mb minio/public")
    mc("mb minio/locked --with-lock")
    mc("anonymous set-json /run/public.json minio/public")
    mc("tag set minio/public 'team=lab&stage=old one'")
    mc("quota set minio/public --size 1GiB")
    mc("ilm import minio/versioned < /run/lifecycle.json")
    mc("retention set --default GOVERNANCE 1d minio/locked")
    mc("encrypt set sse-s3 minio/public")


def test_objects_are_encrypted_and_locked(mc: Mc) -> None:
    mc("cp /run/secretly minio/public/secretly")
    mc("cp /run/secretly minio/locked/kept")
    mc("legalhold set minio/locked/kept")
    assert "SSE-S3" in mc("stat minio/public/secretly").stdout
