"""What a bundle cannot give is told before the first change, on a server that nothing else can give it to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ...conftest import Platform

BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no bundle": ({"mlflow_platform_bundle": "/nowhere"}, ["mlflow_platform_bundle", "/nowhere", "index.json"]),
    "another image": ({"nginx_image": "nginx:1.31"}, ["nginx:1.31", "playbooks/bundle.yml"]),
    "pinned by digest": ({"mysql_image": f"mysql@sha256:{'0' * 64}"}, ["mlflow_platform_bundle", "without its digest"]),
    "another recipe": ({"mlflow_extra_requirements": ["pandas==2.3.3"]}, ["onprem/mlflow:", "playbooks/bundle.yml"]),
    "a login in an index": (
        {"mlflow_pip_index_url": "https://me:geheim@pypi.example.org/simple"},
        ["mlflow_pip_index_url", "holds a login"],
    ),
}


def test_the_server_reaches_nothing(platform: Platform) -> None:
    ask = "import socket; socket.create_connection(('{}', {}), timeout=3)"
    assert platform.host.run("python3 -c %s", ask.format("mirror", 5000)).rc != 0
    assert platform.host.run("python3 -c %s", "import socket; socket.getaddrinfo('example.org', 443)").rc != 0
    assert platform.host.check_output("docker image ls --quiet") == ""


@pytest.mark.parametrize("name", BAD)
def test_bad_bundle(platform: Platform, name: str) -> None:
    variables, words = BAD[name]
    result = platform.site(**variables)
    assert result.returncode != 0, "the run went through"
    assert not result.changed
    assert not [word for word in words if word not in result.message], result.message
    assert "geheim" not in result.output


def test_check_mode_predicts_the_images(platform: Platform) -> None:
    predicted = platform.site(check=True)
    predicted.assert_ok()
    for image in ("mysql:9.7", "nginx:1.30", "onprem/mlflow:"):
        assert [name for name in predicted.changed if f" : load | Predict {image}" in name], predicted.changed
    assert platform.host.check_output("docker image ls --quiet") == ""
