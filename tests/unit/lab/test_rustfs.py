"""Where a build of RustFS lies, and how far it has come."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lab.rustfs import layout, progress
from lab.rustfs.layout import Facts, Layout

LOG = """\
    Updating crates.io index
  Installing rustfs v1.0.1
 Downloading crates ...
   Compiling libc v0.2.177
   Compiling syn v1.0.109
   Compiling syn v2.0.110
"""


def test_progress_counts_crates() -> None:
    assert progress.read(LOG) == progress.Progress(3, "syn")
    assert str(progress.read(LOG)) == "3 of about 810 crates, now syn"


def test_progress_counts_a_crate_once_after_an_interruption() -> None:
    assert progress.read(LOG + LOG + "   Compiling rustfs v1.0.1\n") == progress.Progress(4, "rustfs")


def test_progress_before_the_first_crate() -> None:
    assert str(progress.read("    Updating crates.io index\n")) == "fetching the crates"


def test_builds_are_kept_apart_by_version_and_profile(tmp_path: Path) -> None:
    one = Layout(tmp_path, "lab", "1.0.1")
    assert one.binary == tmp_path / "1.0.1-lab" / "rustfs"
    assert one.work == tmp_path / "build-1.0.1-lab"
    others = [Layout(tmp_path, "release", "1.0.1"), Layout(tmp_path, "lab", "1.0.2")]
    assert len({found.binary for found in (one, *others)}) == 3


def test_facts_are_read_back(tmp_path: Path) -> None:
    place = Layout(tmp_path, "lab", "1.0.1")
    assert place.facts() is None
    place.finished.mkdir(parents=True)
    facts = Facts("1.0.1", "lab", "ab" * 32, 6, 3600)
    layout.write_facts(place.finished, facts)
    # Facts without their binary are none.
    assert place.facts() is None
    place.binary.write_bytes(b"binary")
    assert place.facts() == facts


def test_another_profile_s_binary_is_better_than_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONPREM_MLFLOW_CACHE", str(tmp_path))
    assert layout.finished("lab") is None
    place = layout.layout("release")
    place.finished.mkdir(parents=True)
    place.binary.write_bytes(b"binary")
    layout.write_facts(place.finished, Facts(place.version, "release", "ab" * 32, 6, None))
    assert layout.finished("lab") == place


@pytest.mark.parametrize("profile", layout.profiles())
def test_each_profile_is_a_cargo_configuration_and_tells_its_time(profile: str) -> None:
    settings = tomllib.loads(layout.layout(profile).settings.read_text())
    assert settings["profile"]["release"]["strip"] is True
    assert layout.DURATIONS[profile]


def test_the_release_profile_is_cargo_s_own() -> None:
    settings = tomllib.loads(layout.layout("release").settings.read_text())
    assert settings == {"profile": {"release": {"strip": True}}}
