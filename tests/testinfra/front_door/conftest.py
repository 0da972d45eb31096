"""Clients that trust the platform's authority, the site's, or nobody."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..conftest import Platform

# Where prepare.yml has put the site's authority and the certificate that it signed.
SITE = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])


@pytest.fixture(scope="session")
def own_authority(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate that the platform hands out."""
    path = tmp_path_factory.mktemp("own") / "ca.pem"
    path.write_text(platform.host.file("/opt/mlflow/config/nginx/tls/ca.pem").content_string, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def own(own_authority: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=own_authority)


@pytest.fixture(scope="session")
def site() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=SITE / "authority.pem")
