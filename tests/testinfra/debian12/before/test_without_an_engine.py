"""What site.yml says of a Debian 12 that has no engine, where only Debian's own packages are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...conftest import Platform


def test_own_packages_are_refused(platform: Platform) -> None:
    result = platform.site(docker_host_source="distribution")
    assert result.message.endswith(
        "docker_host_source: found 'distribution', but Debian 12 has no packages of Docker Engine with Compose v2: "
        "write 'docker'."
    ), result.message
    assert result.changed == []


def test_what_would_be_installed_is_docker_s(platform: Platform) -> None:
    result = platform.site(check=True)
    result.assert_ok()
    assert "docker_host : install | Predict the packages" in " ".join(result.changed)
