# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From which version to which each service of a platform would go, and whether it can."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError
from ansible_collections.onprem.mlflow.plugins.module_utils.status_services import VERSION_COMMANDS, Ask

NAMES = {"mlflow": "MLflow", "mysql": "MySQL", "nginx": "nginx", "postgres": "PostgreSQL", "rustfs": "RustFS"}
Version = tuple[int, ...]

# The releases that MySQL goes to from others than those of its own series; it does not skip one that is kept for years.
_MYSQL_NEXT: dict[Version, tuple[Version, ...]] = {(5, 7): ((8, 0),), (8, 0): ((8, 4),)}


@dataclass(frozen=True)
class Release:
    """An image, as the operator writes it and as the engine knows it, and what is in it."""

    image: str
    image_id: str
    version: str

    @property
    def numbers(self) -> Version:
        """The version as numbers."""
        return tuple(int(number) for number in re.findall(r"\d+", self.version))


@dataclass(frozen=True)
class Step:
    """What one service goes from, and to."""

    service: str
    before: Release
    after: Release
    # The new server does not read the old one's files.
    by_dump: bool


def image_id(image: str, ask: Ask) -> str:
    """Return the engine's name of an image; empty where it has none such."""
    status, text = ask(["docker", "image", "inspect", "--format", "{{json .Id}}", image])
    return str(json.loads(text)) if status == 0 else ""


def release(service: str, image: str, identity: str, ask: Ask) -> Release:
    """Ask the program in an image for its version, which is empty where it does not tell one."""
    program, *words = VERSION_COMMANDS[service]
    status, text = ask(
        ["docker", "run", "--rm", "--network", "none", "--read-only", "--entrypoint", program, identity, *words]
    )
    found = re.search(r"\d+(?:\.\d+)+", text)
    return Release(image, identity, found[0] if status == 0 and found else "")


def variable(service: str) -> str:
    """Return the option that says which version of a service there is to be."""
    return "mlflow_version" if service == "mlflow" else f"{service}_image"


def plan(found: Mapping[str, Release], wanted: Mapping[str, Release]) -> list[Step]:
    """Return the steps; raise InputError for the first that cannot be done."""
    steps = []
    for service, after in wanted.items():
        before = found.get(service)
        if before is None or before.image_id == after.image_id:
            continue
        must_be_possible(service, before, after)
        by_dump = service == "postgres" and before.numbers[:1] != after.numbers[:1]
        steps.append(Step(service, before, after, by_dump))
    return steps


def must_be_possible(service: str, before: Release, after: Release) -> None:
    """Raise InputError for an unknown version, a way back, and a version that is not reached in one step."""
    name, option = NAMES[service], variable(service)
    for side in (before, after):
        if not side.numbers:
            raise InputError(
                f"{option}: the image {side.image} does not tell its version of {name}, write one that does."
            )
    # It keeps nothing that another version could fail to read.
    if service == "nginx":
        return
    if after.numbers < before.numbers:
        way = (
            f", or put a backup of {after.version} back with restore.yml"
            if service != "rustfs"
            else ", since it may have written what older ones do not read"
        )
        raise InputError(
            f"{option}: found {name} {after.version}, but the platform runs {before.version}, and there is no way back"
            f" from that: write {before.version} or a newer one{way}."
        )
    series = before.numbers[:2]
    allowed = _MYSQL_NEXT.get(series)
    if service == "mysql" and allowed and after.numbers[:2] not in (series, *allowed):
        by_way_of = ".".join(str(number) for number in allowed[0])
        raise InputError(
            f"{option}: found MySQL {after.version}, but the platform runs {before.version}, which goes there by way of"
            f" {by_way_of}: write mysql:{by_way_of} first."
        )
