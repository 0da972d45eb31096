# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of image archives with an index, made where registries answer and used where none does."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.onprem.mlflow.plugins.module_utils.errors import InputError

INDEX = "index.json"
FORMAT = 1
_BLOCK = 1024 * 1024
_REMAKE = "make the bundle again with playbooks/bundle.yml"


@dataclass(frozen=True)
class Archive:
    """One image of a bundle."""

    name: str
    file: str
    ids: list[str]
    """What engines call the image once it is loaded: by its settings or by its manifest, as their stores do."""
    digest: str
    """What a registry calls it; empty where it was built and never pushed."""
    sha256: str
    bytes: int


def describe(folder: Path, image: str, file: str, digest: str) -> Archive:
    """Read what the index says of an archive that is there."""
    path = folder / file
    return Archive(image, file, read_ids(path), digest, sha256(path), path.stat().st_size)


def read_ids(path: Path) -> list[str]:
    """Read the identities of the one image in an archive, as `docker save` writes it."""
    try:
        with tarfile.open(path) as archive:
            manifest = _read_json(archive, "manifest.json")
            index = _read_json(archive, "index.json") if "index.json" in archive.getnames() else {}
    except (OSError, tarfile.TarError, KeyError, ValueError) as exc:
        raise InputError(f"{path}: is no archive of an image ({exc}), {_REMAKE}.") from None
    settings = [Path(image["Config"]).name for image in manifest]
    ids = [f"sha256:{name.removesuffix('.json')}" for name in settings]
    ids += [entry["digest"] for entry in index.get("manifests", [])]
    return list(dict.fromkeys(ids))


def _read_json(archive: tarfile.TarFile, name: str) -> Any:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    return json.load(member)


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        for block in iter(lambda: handle.read(_BLOCK), b""):
            digest.update(block)
    return digest.hexdigest()


def index_text(archives: Sequence[Archive]) -> str:
    """Return the text of the index."""
    images = [asdict(archive) for archive in sorted(archives, key=lambda archive: archive.name)]
    return json.dumps({"format": FORMAT, "images": images}, indent=2) + "\n"


def read_index(folder: Path) -> dict[str, Archive]:
    """Read a bundle's index, by the names of the images."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            raise InputError(f"{folder / INDEX}: has format {index['format']}, {_REMAKE} of this release.")
        return {item["name"]: Archive(**item) for item in index["images"]}
    except FileNotFoundError:
        raise InputError(
            f"mlflow_platform_bundle: found {str(folder)!r}, but there is no {INDEX} in that folder of the controller,"
            " write the folder that playbooks/bundle.yml made."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise InputError(f"{folder / INDEX}: cannot be read ({exc}), {_REMAKE}.") from None


def missing(folder: Path, archives: Mapping[str, Archive], images: Sequence[str]) -> list[str]:
    """Complain about images that a bundle cannot give."""
    problems = []
    for image in dict.fromkeys(images):
        if "@" in image:
            problems.append(
                f"mlflow_platform_bundle: holds images by their tags, and found {image!r},"
                " write it without its digest; the index of the bundle pins it."
            )
        elif image not in archives:
            held = ", ".join(sorted(archives)) or "nothing"
            problems.append(f"mlflow_platform_bundle: {folder} has no {image}, only {held}: {_REMAKE}.")
        elif not (folder / archives[image].file).exists():
            problems.append(f"mlflow_platform_bundle: {folder / archives[image].file} is missing: {_REMAKE}.")
    return problems


def damaged(folder: Path, archives: Mapping[str, Archive], images: Sequence[str]) -> list[str]:
    """Complain about archives that are not what the index says; none of them is missing."""
    problems = []
    for image in dict.fromkeys(images):
        found = sha256(folder / archives[image].file)
        if found != archives[image].sha256:
            problems.append(
                f"mlflow_platform_bundle: {folder / archives[image].file} has the checksum {found}, but the index says"
                f" {archives[image].sha256}: copy it again, or {_REMAKE}."
            )
    return problems
