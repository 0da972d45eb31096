"""Everything runs from the images of the bundle, and only what the engine lacks is loaded again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ...conftest import Platform

NGINX = "nginx:1.30"


@pytest.fixture(scope="module")
def bundle() -> Path:
    return Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "bundle"


@pytest.fixture(scope="module")
def index(bundle: Path) -> dict[str, dict[str, Any]]:
    images = json.loads((bundle / "index.json").read_text(encoding="utf-8"))["images"]
    return {image["name"]: image for image in images}


def test_services_run_from_the_bundle(platform: Platform, index: dict[str, dict[str, Any]]) -> None:
    assert platform.login_status("admin", platform.password("admin")) == 200
    for service in platform.services:
        container = platform.container(service)
        assert container["Image"] in index[container["Config"]["Image"]]["ids"], service
    assert len(index) == len(platform.services)
    left = platform.host.check_output("find /var/tmp -mindepth 1 -maxdepth 1 -not -name 'systemd-private-*'")
    assert left == "", "no archive is left"


def test_the_engine_is_given_certificates_of_registries(platform: Platform) -> None:
    ((registry, certificate),) = platform.variables["docker_host_registry_ca_certificates"].items()
    assert platform.host.file(f"/etc/docker/certs.d/{registry}/ca.crt").content_string == certificate


@pytest.mark.parametrize("check", [True, False], ids=["check mode", "for real"])
def test_nothing_is_loaded_twice(platform: Platform, check: bool) -> None:
    result = platform.site(check=check)
    result.assert_ok()
    assert not result.changed


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    """Change one byte of an archive."""
    with path.open("r+b") as archive:
        archive.seek(-1, os.SEEK_END)
        last = archive.read(1)
        archive.seek(-1, os.SEEK_END)
        archive.write(bytes([last[0] ^ 1]))
    try:
        yield
    finally:
        with path.open("r+b") as archive:
            archive.seek(-1, os.SEEK_END)
            archive.write(last)


def test_one_image_is_loaded_again(platform: Platform, bundle: Path, index: dict[str, dict[str, Any]]) -> None:
    before = platform.containers()
    platform.host.check_output("docker image rm --force %s", NGINX)

    with damaged(bundle / index[NGINX]["file"]):
        result = platform.site()
    assert result.returncode != 0
    assert "has the checksum" in result.message
    assert not result.changed

    result = platform.site()
    result.assert_ok()
    loaded = [name for name in result.changed if " : carry | Load" in name]
    assert loaded == ["onprem.mlflow.image_bundle : carry | Load the archive"]
    assert platform.containers() == before, "the same image is no reason to restart"
