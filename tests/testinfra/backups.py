"""What a server tells of its backups."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .conftest import PROJECT

if TYPE_CHECKING:
    from .conftest import Platform


def state(platform: Platform) -> dict[str, Any]:
    """What the server tells of its backups."""
    read: dict[str, Any] = json.loads(platform.host.file(f"{PROJECT}/backups/last.json").content_string)
    return read
