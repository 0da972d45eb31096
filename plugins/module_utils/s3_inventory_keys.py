# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which keys and bucket names RustFS refuses, as read in the source of 1.0.1 and seen on it."""

from __future__ import annotations

import re

from ansible_collections.onprem.mlflow.plugins.module_utils.s3_store import BUCKET_NAME

KEY_BYTES = 1024
# Every part of a key between slashes becomes a file name.
PART_BYTES = 255
# Put behind the last part of a key that ends with a slash.
FOLDER_SUFFIX = "__XLDIR__"
OBJECT_BYTES = 5 * 1024**4

_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


def refused_key(key: str) -> str | None:
    """Return the code of the limit that a key is beyond, None where RustFS takes it."""
    if any(character in key for character in "\0\n\r"):
        return "key_line_break"
    if key.startswith("/") or "//" in key:
        return "key_path"
    # As on Windows, a backslash parts the names here.
    if any(part.strip() in (".", "..") for part in key.replace("\\", "/").split("/")):
        return "key_path"
    parts = key.split("/")
    last = parts[-2] if key.endswith("/") and len(parts) > 1 else ""
    too_long = any(len(part.encode()) > PART_BYTES for part in parts)
    if len(key.encode()) > KEY_BYTES or too_long or len(last.encode()) + len(FOLDER_SUFFIX) > PART_BYTES:
        return "key_length"
    if FOLDER_SUFFIX in key:
        return "key_collision"
    return None


def bucket_refused(name: str) -> bool:
    """Tell whether RustFS refuses the name of a bucket."""
    return (
        not BUCKET_NAME.fullmatch(name)
        or name == "rustfs"
        or bool(_ADDRESS.fullmatch(name))
        or any(pair in name for pair in ("..", ".-", "-."))
    )
