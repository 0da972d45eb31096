# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of images, package indexes and certificates."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.image_inputs import check_images
from ansible_collections.onprem.mlflow.plugins.module_utils.image_reference import ImageReference

DIGEST = f"sha256:{'0123456789abcdef' * 4}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("mysql", ("mysql", None, None)),
        ("mysql:9.7", ("mysql", "9.7", None)),
        ("rustfs/rustfs:1.0.1", ("rustfs/rustfs", "1.0.1", None)),
        ("registry.example.org:5000/a/b_c:1", ("registry.example.org:5000/a/b_c", "1", None)),
        ("mirror:5000/library/mysql", ("mirror:5000/library/mysql", None, None)),
        ("localhost/mine:1", ("localhost/mine", "1", None)),
        (f"mysql@{DIGEST}", ("mysql", None, DIGEST)),
        (f"mysql:9.7@{DIGEST}", ("mysql", "9.7", DIGEST)),
    ],
)
def test_reference(text: str, parts: tuple[str, str | None, str | None]) -> None:
    reference = ImageReference.parse(text)
    assert (reference.repository, reference.tag, reference.digest) == parts


@pytest.mark.parametrize("text", ["MySQL:9.7", "https://a/b:1", "mysql:", "mysql@sha256:12", "my sql", "a//b", ":9"])
def test_no_reference(text: str) -> None:
    with pytest.raises(InputError, match=r"mysql:9\.7"):
        ImageReference.parse(text)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"mysql_image": f"mysql@{DIGEST}", "minio_migration_mc_image": ""},
        {"mlflow_image": f"registry.example.org/mlflow@{DIGEST}", "mlflow_image_source": "pull"},
        {"mlflow_image": "", "mlflow_image_source": "carry", "mlflow_image_name": "registry.example.org:5000/mlflow"},
        {"mlflow_pip_index_url": "https://pypi.example.org/simple", "mlflow_pip_extra_index_urls": ["http://a:1/x"]},
    ],
)
def test_good_values_pass(values: dict[str, Any]) -> None:
    assert check_images(values) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mysql_image": "https://mysql"}, ["mysql_image: found 'https://mysql'", "mysql:9.7"]),
        ({"mlflow_image_name": "a/mlflow:1"}, ["mlflow_image_name", "write 'a/mlflow'"]),
        ({"mlflow_publish_name": "a.example.org/mlflow:1"}, ["mlflow_publish_name", "write 'a.example.org/mlflow'"]),
        ({"mlflow_publish_platforms": []}, ["mlflow_publish_platforms: is empty", "linux/amd64"]),
        ({"mlflow_publish_commit": "feature/one"}, ["mlflow_publish_commit: found 'feature/one'", "write a tag"]),
        (
            {"mlflow_image": "a/mlflow:1", "mlflow_image_source": "carry"},
            ["mlflow_image:", "'carry'", "mlflow_image_source: pull"],
        ),
        ({"mlflow_pip_index_url": "pypi.example.org"}, ["mlflow_pip_index_url: found 'pypi.example.org'", "https://"]),
        ({"mlflow_pip_extra_index_urls": ["https://a b/"]}, ["mlflow_pip_extra_index_urls[0]: found"]),
        ({"mlflow_extra_ca_certificates": ["x"]}, ["mlflow_extra_ca_certificates[0]: is no certificate"]),
        (
            {"mlflow_extra_ca_certificates": ["-----BEGIN PRIVATE KEY-----"]},
            ["mlflow_extra_ca_certificates[0]: holds a private key"],
        ),
        (
            {"docker_host_registry_ca_certificates": {"https://a": "x"}},
            ["docker_host_registry_ca_certificates['https://a']: is no registry", "host name"],
        ),
    ],
)
def test_bad_values_are_told(values: dict[str, Any], words: list[str]) -> None:
    text = " ".join(check_images(values))
    assert all(word in text for word in words), text


@pytest.mark.parametrize("host", ["192.0.2.1:8443", "[2001:db8::1]"])
def test_an_index_is_not_asked_over_tls_by_its_address(host: str) -> None:
    (problem,) = check_images({"mlflow_pip_index_url": f"https://{host}/simple"})
    assert problem.startswith(f"mlflow_pip_index_url: found 'https://{host}/simple', write a host name")
    assert check_images({"mlflow_pip_index_url": f"http://{host}/simple"}) == []


def test_a_login_is_refused_and_not_repeated() -> None:
    (problem,) = check_images({"mlflow_pip_index_url": "https://user:geheim@pypi.example.org/simple"})
    assert "holds a login" in problem
    assert "geheim" not in problem
