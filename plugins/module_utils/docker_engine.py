# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Docker Engine and which compose plugin answer on this server."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Callable, NamedTuple

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

# AnsibleModule.run_command: takes the words of a command, gives its exit status, standard output and standard error.
Runner = Callable[[list[str]], tuple[int, str, str]]

_VERSION = re.compile(r"\d+(?:\.\d+)+")


class Engine(NamedTuple):
    """Versions as numbers and dots; None where the part is missing or does not answer."""

    engine_version: str | None
    compose_version: str | None


def plain_version(text: str) -> str | None:
    """Return the first dotted number of what a command printed: `v2.26.1-4` gives `2.26.1`."""
    found = _VERSION.search(text)
    return found.group() if found else None


def find_engine(docker: str | None, run: Runner) -> Engine:
    """Ask the engine and the plugin behind the command `docker` (None: there is no such command)."""
    if docker is None:
        return Engine(None, None)

    def version(*words: str) -> str | None:
        status, out, _err = run([docker, *words])
        return plain_version(out) if status == 0 else None

    return Engine(
        engine_version=version("version", "--format", "{{.Server.Version}}"),
        compose_version=version("compose", "version", "--short"),
    )


def read_daemon_json(path: Path) -> dict[str, Any] | None:
    """Return the engine's settings, or None where there is no such file; an empty file holds none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        settings = json.loads(text) if text.strip() else {}
    except ValueError as exc:
        raise InputError(f"{path} is not JSON ({exc}), correct it or move it away.") from None
    if not isinstance(settings, dict):
        raise InputError(f"{path} holds no JSON object, correct it or move it away.")
    return settings


def is_loaded(settings: Path, process: Path) -> bool:
    """Tell whether the engine started after its settings were written last; without an engine nothing waits for one."""
    return not (settings.exists() and process.exists()) or settings.stat().st_mtime <= process.stat().st_mtime


def missing_modules(names: Sequence[str]) -> list[str]:
    """Return those Python modules that cannot be imported here."""
    return [name for name in names if find_spec(name) is None]
