"""What an image is made from, as a digest: the same digest, the same image."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path


def folder_content(folder: Path) -> dict[str, str]:
    """Return every file of *folder* with its mode and a digest of its content."""
    content = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            executable = "x" if path.stat().st_mode & 0o100 else "-"
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            content[path.relative_to(folder).as_posix()] = f"{executable} {digest}"
    return content


def digest(parts: Mapping[str, object]) -> str:
    """Return a short digest of everything that decides what comes out."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
