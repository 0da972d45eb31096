"""Reading the machine's apt configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import apt
from lab.apt import Mirror, Source
from lab.errors import LabError

DEB822 = """\
# The distribution
Types: deb deb-src
URIs: http://mirror.example/debian
  http://second.example/debian
Suites: bookworm bookworm-updates
# a comment between fields
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security/
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://mirror.example/debian/ bookworm main contrib # trailing
deb-src http://mirror.example/debian bookworm main
deb   http://mirror.example/debian-security bookworm-security main
deb http://flat.example/packages ./
"""


def test_deb822_stanzas_are_read() -> None:
    assert apt.parse_deb822(DEB822) == [
        Source(
            ("http://mirror.example/debian", "http://second.example/debian"),
            ("bookworm", "bookworm-updates"),
            ("main", "contrib"),
        ),
        Source(("http://mirror.example/debian-security/",), ("bookworm-security",), ("main",)),
    ]


def test_one_line_sources_are_read() -> None:
    assert apt.parse_one_line(ONE_LINE) == [
        Source(("http://mirror.example/debian/",), ("bookworm",), ("main", "contrib")),
        Source(("http://mirror.example/debian-security",), ("bookworm-security",), ("main",)),
        Source(("http://flat.example/packages",), ("./",), ()),
    ]


def test_the_mirror_is_the_one_of_the_machines_own_suite() -> None:
    mirror = apt.choose_mirror(apt.parse_deb822(DEB822), "bookworm", {})
    assert mirror == Mirror("http://mirror.example/debian", "http://mirror.example/debian-security", updates=True)


def test_another_distribution_beside_it_is_not_taken() -> None:
    other = Source(("http://packages.example/tool",), ("nodistro",), ("main",))
    ours = Source(("http://mirror.example/debian",), ("trixie",), ("main",))
    assert apt.choose_mirror([other, ours], "trixie", {}) == Mirror("http://mirror.example/debian")


def test_a_mirror_can_be_given() -> None:
    mirror = apt.choose_mirror([], "noble", {"LAB_DEBIAN_MIRROR": "http://given.example/debian/"})
    assert mirror == Mirror("http://given.example/debian")


def test_no_mirror_is_one_sentence_that_says_what_to_write() -> None:
    with pytest.raises(LabError, match=r"no mirror for Debian noble; write .* LAB_DEBIAN_MIRROR"):
        apt.choose_mirror(apt.parse_deb822(DEB822), "noble", {})


def test_a_mirror_list_stands_for_its_first_entry(tmp_path: Path) -> None:
    listing = tmp_path / "debian.list"
    listing.write_text("# best first\nhttp://first.example/debian priority:1\nhttp://second.example/debian\n")
    source = Source((f"mirror+file://{listing}",), ("trixie",), ("main",))
    assert apt.choose_mirror([source], "trixie", {}) == Mirror("http://first.example/debian")


def test_only_the_files_that_apt_reads_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "sources.list.d"
    folder.mkdir()
    (tmp_path / "sources.list").write_text("deb http://one.example/debian trixie main\n")
    (folder / "debian.sources").write_text("Types: deb\nURIs: http://two.example/debian\nSuites: trixie\n")
    (folder / "old.list.disabled").write_text("deb http://three.example/debian trixie main\n")
    assert [source.uris for source in apt.read_sources(tmp_path)] == [
        ("http://one.example/debian",),
        ("http://two.example/debian",),
    ]


@pytest.mark.parametrize(
    ("suite", "lines"),
    [
        (
            "trixie",
            [
                "deb http://m.example/debian trixie main",
                "deb http://m.example/debian trixie-updates main",
                "deb http://s.example/debian-security trixie-security main",
            ],
        ),
        ("sid", ["deb http://m.example/debian sid main"]),
    ],
)
def test_an_image_gets_the_same_mirror(suite: str, lines: list[str]) -> None:
    mirror = Mirror("http://m.example/debian", "http://s.example/debian-security", updates=True)
    assert mirror.sources_list(suite).splitlines() == lines


@pytest.mark.parametrize(
    ("text", "codename"),
    [
        ("NAME=Debian\nVERSION_CODENAME=trixie\n", "trixie"),
        ('VERSION_CODENAME="noble"\n', "noble"),
        ("NAME=other\n", "unknown"),
    ],
)
def test_codename(tmp_path: Path, text: str, codename: str) -> None:
    release = tmp_path / "os-release"
    release.write_text(text)
    assert apt.machine_codename(release) == codename


def test_codename_of_a_machine_that_does_not_say() -> None:
    assert apt.machine_codename(Path("/no/such/file")) == "unknown"
