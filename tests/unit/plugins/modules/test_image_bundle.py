# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder of image archives: its index, and what is found wrong with it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.modules import image_bundle, image_bundle_info

RunModule = Callable[..., dict[str, Any]]

OLD = {"manifest.json": [{"Config": f"{'a' * 64}.json", "RepoTags": ["nginx:1.30"]}]}
NEW = {
    "manifest.json": [{"Config": f"blobs/sha256/{'b' * 64}", "RepoTags": ["mysql:9.7"]}],
    "index.json": {"manifests": [{"digest": f"sha256:{'c' * 64}"}]},
}


def write_archive(path: Path, members: dict[str, Any]) -> None:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            text = json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_archive(tmp_path / "nginx_1.30.tar", OLD)
    write_archive(tmp_path / "mysql_9.7.tar", NEW)
    return tmp_path


@pytest.fixture
def options(folder: Path) -> dict[str, Any]:
    images = [
        {"name": "nginx:1.30", "file": "nginx_1.30.tar", "digest": "sha256:1"},
        {"name": "mysql:9.7", "file": "mysql_9.7.tar"},
    ]
    return {"folder": str(folder), "images": images}


def test_index_in_five_steps(run_module: RunModule, folder: Path, options: dict[str, Any]) -> None:
    assert run_module(image_bundle.main, options, check=True)["changed"]
    assert not (folder / "index.json").exists()
    made = run_module(image_bundle.main, options)
    assert made["changed"]
    assert not run_module(image_bundle.main, options, check=True)["changed"]
    assert not run_module(image_bundle.main, options)["changed"]
    changed = run_module(image_bundle.main, {**options, "images": options["images"][:1]})
    assert changed["changed"]
    assert "mysql:9.7" not in changed["diff"]["after"]


def test_an_image_has_an_identity_for_each_kind_of_store(run_module: RunModule, options: dict[str, Any]) -> None:
    made = {image["name"]: image for image in run_module(image_bundle.main, options)["images"]}
    assert made["nginx:1.30"]["ids"] == [f"sha256:{'a' * 64}"]
    assert made["nginx:1.30"]["digest"] == "sha256:1"
    assert made["mysql:9.7"]["ids"] == [f"sha256:{'b' * 64}", f"sha256:{'c' * 64}"]


def test_what_is_no_archive(run_module: RunModule, folder: Path, options: dict[str, Any]) -> None:
    (folder / "mysql_9.7.tar").write_bytes(b"half of it")
    assert "mysql_9.7.tar: is no archive of an image" in run_module(image_bundle.main, options)["msg"]


def find(run_module: RunModule, folder: Path, *images: str, **more: Any) -> dict[str, Any]:
    return run_module(image_bundle_info.main, {"folder": str(folder), "images": list(images), **more})


def test_images_are_found(run_module: RunModule, folder: Path, options: dict[str, Any]) -> None:
    run_module(image_bundle.main, options)
    found = find(run_module, folder, "nginx:1.30", verify=True)
    assert found["archives"] == {"nginx:1.30": {"path": str(folder / "nginx_1.30.tar"), "ids": [f"sha256:{'a' * 64}"]}}


def test_what_the_bundle_cannot_give(run_module: RunModule, folder: Path, options: dict[str, Any]) -> None:
    assert "there is no index.json" in find(run_module, folder, "nginx:1.30")["msg"]
    run_module(image_bundle.main, options)
    (folder / "mysql_9.7.tar").unlink()
    problems = find(run_module, folder, "nginx:1.31", "mysql:9.7", f"nginx@sha256:{'0' * 64}")["problems"]
    assert len(problems) == 3
    assert "has no nginx:1.31, only mysql:9.7, nginx:1.30" in problems[0]
    assert "mysql_9.7.tar is missing" in problems[1]
    assert "without its digest" in problems[2]


def test_a_damaged_archive_is_found_when_it_is_read(
    run_module: RunModule, folder: Path, options: dict[str, Any]
) -> None:
    run_module(image_bundle.main, options)
    with (folder / "nginx_1.30.tar").open("ab") as archive:
        archive.write(b"more")
    assert "archives" in find(run_module, folder, "nginx:1.30")
    assert "has the checksum" in find(run_module, folder, "nginx:1.30", verify=True)["msg"]


@pytest.mark.parametrize("text", ["no json", '{"format": 2, "images": []}', '{"format": 1, "images": [{}]}'])
def test_an_index_that_cannot_be_read(run_module: RunModule, folder: Path, text: str) -> None:
    (folder / "index.json").write_text(text, encoding="utf-8")
    assert "playbooks/bundle.yml" in find(run_module, folder, "nginx:1.30")["msg"]
