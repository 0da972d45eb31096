# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks of the options that say where images and packages come from. All of them are pure and return sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.onprem.mlflow.plugins.module_utils.ca_certificate import ca_certificate_problems
from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.image_reference import TAG, ImageReference
from ansible_collections.onprem.mlflow.plugins.module_utils.virtual_hosts import address_of

# Who has the private key of such a certificate.
AUTHORITY = "the authority"

_REGISTRY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")


def check_images(values: Mapping[str, Any]) -> list[str]:
    """Run every check of images; `values` holds options whose types are right."""
    problems = []
    for name, value in values.items():
        if name.endswith("_image") and isinstance(value, str) and value:
            problems += _check_reference(name, value)
    for name in ("mlflow_image_name", "mlflow_publish_name"):
        if name in values:
            problems += _check_name(name, str(values[name]))
    if values.get("mlflow_publish_platforms") == []:
        problems.append("mlflow_publish_platforms: is empty, write one or more, such as linux/amd64.")
    commit = str(values.get("mlflow_publish_commit") or "latest")
    if not TAG.fullmatch(commit):
        problems.append(
            f"mlflow_publish_commit: found {commit!r}, write a tag: up to 128 letters, digits and _ . - characters."
        )
    if values.get("mlflow_image") and values.get("mlflow_image_source", "pull") != "pull":
        problems.append(
            f"mlflow_image: is the image that is pulled, but mlflow_image_source is {values['mlflow_image_source']!r},"
            " write mlflow_image_source: pull, or remove it."
        )
    problems += _check_indexes(values)
    for index, text in enumerate(values.get("mlflow_extra_ca_certificates") or []):
        problems += ca_certificate_problems(f"mlflow_extra_ca_certificates[{index}]", str(text), AUTHORITY)
    for registry, text in (values.get("docker_host_registry_ca_certificates") or {}).items():
        variable = f"docker_host_registry_ca_certificates[{registry!r}]"
        if not _REGISTRY.fullmatch(str(registry)):
            problems.append(f"{variable}: is no registry, write its host name, with :port where it has one.")
        problems += ca_certificate_problems(variable, str(text), AUTHORITY)
    return problems


def _check_reference(variable: str, text: str) -> list[str]:
    try:
        ImageReference.parse(text)
    except InputError as exc:
        return [f"{variable}: {exc}"]
    return []


def _check_name(variable: str, text: str) -> list[str]:
    problems = _check_reference(variable, text)
    if not problems:
        reference = ImageReference.parse(text)
        if reference.tag or reference.digest:
            problems.append(
                f"{variable}: found {text!r}, write {reference.repository!r}:"
                " the tag is the version and a digest of the recipe."
            )
    return problems


def _check_indexes(values: Mapping[str, Any]) -> list[str]:
    """Complain about package indexes that pip cannot ask, and about a login that would stay in the image's history."""
    urls = [("mlflow_pip_index_url", values.get("mlflow_pip_index_url"))]
    extra: Sequence[str] = values.get("mlflow_pip_extra_index_urls") or []
    urls += [(f"mlflow_pip_extra_index_urls[{index}]", url) for index, url in enumerate(extra)]
    problems = []
    for variable, url in urls:
        if not url:
            continue
        parts = urlsplit(str(url))
        if parts.username is not None:
            problems.append(
                f"{variable}: holds a login, which everyone who has the image could read,"
                " write an address that needs none, or build the image elsewhere and write mlflow_image_source: pull."
            )
        elif parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", str(url)):
            problems.append(f"{variable}: found {url!r}, write an address such as https://pypi.example.org/simple.")
        elif parts.scheme == "https" and address_of(parts.hostname):
            problems.append(
                f"{variable}: found {url!r}, write a host name:"
                " pip cannot compare the certificate of a server with a bare address."
            )
    return problems
