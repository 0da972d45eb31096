"""What makes an image another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import builder, catalogue, recipe
from lab.errors import LabError
from lab.rootfs import Base


def folder(root: Path) -> Path:
    (root / "etc").mkdir(parents=True)
    (root / "Dockerfile").write_text("FROM x\n")
    (root / "etc" / "entry.sh").write_text("#!/bin/sh\n")
    return root


def test_the_same_content_gives_the_same_recipe(tmp_path: Path) -> None:
    first, second = folder(tmp_path / "first"), folder(tmp_path / "second")
    assert recipe.folder_content(first) == recipe.folder_content(second)
    assert sorted(recipe.folder_content(first)) == ["Dockerfile", "etc/entry.sh"]


def test_content_mode_and_name_each_change_the_recipe(tmp_path: Path) -> None:
    original = recipe.folder_content(folder(tmp_path / "original"))
    content = folder(tmp_path / "content")
    (content / "Dockerfile").write_text("FROM y\n")
    mode = folder(tmp_path / "mode")
    (mode / "etc" / "entry.sh").chmod(0o755)
    name = folder(tmp_path / "name")
    (name / "Dockerfile").rename(name / "Other")
    changed = [recipe.folder_content(path) for path in (content, mode, name)]
    assert all(found != original for found in changed)


def test_the_order_of_the_parts_does_not_matter() -> None:
    assert recipe.digest({"a": 1, "b": {"c": 2, "d": 3}}) == recipe.digest({"b": {"d": 3, "c": 2}, "a": 1})
    assert recipe.digest({"a": 1}) != recipe.digest({"a": 2})


def test_a_base_is_another_one_when_mirror_options_or_certificates_change() -> None:
    base = Base("trixie", "deb http://m.example trixie main\n", "", (("a.crt", "A"),), "http://m.example")
    others = [
        Base("sid", base.sources_list, "", base.certificates, base.mirror),
        Base("trixie", "deb http://n.example trixie main\n", "", base.certificates, base.mirror),
        Base("trixie", base.sources_list, "x", base.certificates, base.mirror),
        Base("trixie", base.sources_list, "", (("a.crt", "B"),), base.mirror),
    ]
    digests = {found.digest for found in (base, *others)}
    assert len(digests) == 5


def test_an_image_is_another_one_when_its_base_changes() -> None:
    assert builder.recipe_digest("mysql", "one") != builder.recipe_digest("mysql", "two")
    assert builder.recipe_digest("mysql", "one") == builder.recipe_digest("mysql", "one", {})


@pytest.mark.parametrize("image", catalogue.EVERY, ids=lambda image: image.folder)
def test_each_image_has_a_recipe(image: catalogue.Image) -> None:
    text = (builder.FOLDER / image.recipe / "Dockerfile").read_text()
    assert text.splitlines()[0].startswith("# ")
    assert "FROM ${BASE}" in text


def test_images_are_named_by_folder_or_official_name() -> None:
    assert catalogue.select(["mysql", "minio/mc:latest"]) == [catalogue.MYSQL, catalogue.MC]


def test_an_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(LabError, match="image: found 'oracle', write one of: python, nginx, mysql"):
        catalogue.select(["oracle"])


def test_official_names() -> None:
    assert catalogue.PYTHON.official == "python:3.13-slim"
    assert catalogue.RUSTFS.official == "rustfs/rustfs:1.0.1"


def test_only_named_variables_of_the_machine_enter_a_build() -> None:
    machine = {"GOPROXY": "http://go.example", "SECRET": "x"}
    assert catalogue.MINIO.build_arguments(machine) == {
        "MINIO_VERSION": catalogue.MINIO_VERSION,
        "GOPROXY": "http://go.example",
    }
    assert catalogue.MYSQL.build_arguments(machine) == {}
