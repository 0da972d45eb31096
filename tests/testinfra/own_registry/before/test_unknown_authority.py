"""A registry that nobody vouches for is told before the first change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...conftest import Platform


def test_a_registry_without_its_authority_is_refused(platform: Platform) -> None:
    result = platform.site(docker_host_registry_ca_certificates={})
    assert result.returncode != 0
    assert not result.changed
    assert "docker_host_registry_mirrors" in result.message
    assert "docker_host_registry_ca_certificates" in result.message
