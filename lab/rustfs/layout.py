"""Where a build of RustFS lies in the cache, keyed by version and profile."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import cache
from lab.catalogue import RUSTFS_VERSION

HERE = Path(__file__).parent
DEFAULT_PROFILE = "lab"
# What a profile takes on two cores, for the person who waits.
DURATIONS = {"lab": "an hour to an hour and a half", "release": "more than two hours"}


@dataclass(frozen=True)
class Facts:
    """What is known of a finished binary; kept beside it."""

    version: str
    profile: str
    sha256: str
    size: int
    seconds: int | None


@dataclass(frozen=True)
class Layout:
    """The paths of one build."""

    root: Path
    profile: str
    version: str = RUSTFS_VERSION

    @property
    def settings(self) -> Path:
        """The profile, in cargo's own configuration format."""
        return HERE / "profiles" / f"{self.profile}.toml"

    @property
    def work(self) -> Path:
        """The folder mounted into the build container; what is compiled so far lies here."""
        return self.root / f"build-{self.version}-{self.profile}"

    @property
    def built(self) -> Path:
        """The binary as cargo leaves it."""
        return self.work / "out" / "bin" / "rustfs"

    @property
    def timings(self) -> Path:
        return self.work / "target" / "cargo-timings" / "cargo-timing.html"

    @property
    def finished(self) -> Path:
        """The folder that appears when the binary is complete."""
        return self.root / f"{self.version}-{self.profile}"

    @property
    def binary(self) -> Path:
        return self.finished / "rustfs"

    def facts(self) -> Facts | None:
        """Return what is known of the finished binary, or None where there is none."""
        try:
            loaded = json.loads((self.finished / "build.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return Facts(**loaded) if self.binary.is_file() else None


def profiles() -> list[str]:
    """Return the names of the profiles."""
    return sorted(path.stem for path in (HERE / "profiles").glob("*.toml"))


def layout(profile: str) -> Layout:
    """Return the paths of the build with *profile* in this user's cache."""
    return Layout(cache.folder() / "rustfs", profile)


def finished(preferred: str) -> Layout | None:
    """Return a finished build: the preferred profile's, else any."""
    for profile in dict.fromkeys([preferred, *profiles()]):
        found = layout(profile)
        if found.facts() is not None:
            return found
    return None


def write_facts(folder: Path, facts: Facts) -> None:
    """Write what is known of a binary into *folder*."""
    (folder / "build.json").write_text(json.dumps(asdict(facts), indent=2) + "\n", encoding="utf-8")
