"""RustFS as its administrator and as a client from outside see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from .. import rustfs_admin

if TYPE_CHECKING:
    from ..conftest import Platform
    from ..rustfs_admin import Ask


@pytest.fixture(scope="session")
def administrator(platform: Platform) -> Ask:
    """Ask RustFS's admin API."""
    return rustfs_admin.administrator(platform, platform, "http://rustfs:9000")


@pytest.fixture
def s3(platform: Platform, resolved: None) -> Callable[[str, str], Any]:
    """Make a client that comes through the virtual host of S3."""

    def client(access_key: str, secret_key: str) -> Any:
        return boto3.client(
            "s3",
            endpoint_url="http://s3.lab:15000",
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    return client


@pytest.fixture
def bucket(platform: Platform, s3: Callable[[str, str], Any]) -> Any:
    """The client with the key that is limited to the bucket."""
    return s3("mlflow-artifacts", platform.secret("bucket_secret_key"))


@pytest.fixture
def root(platform: Platform, s3: Callable[[str, str], Any]) -> Any:
    return s3(platform.secret("rustfs_root_access_key"), platform.secret("rustfs_root_secret_key"))
