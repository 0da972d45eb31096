"""The machine's own apt configuration: which mirror to take Debian from, and which options go with it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

# What a lab image needs to reach the same mirror in the same way.
COPIED_OPTIONS = (
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
)
MIRROR_VARIABLE = "LAB_DEBIAN_MIRROR"


@dataclass(frozen=True)
class Source:
    """One apt source of binary packages."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]


@dataclass(frozen=True)
class Mirror:
    """Where Debian's packages are taken from."""

    main: str
    security: str | None = None
    updates: bool = False

    def sources_list(self, suite: str) -> str:
        """Return the ``sources.list`` of an image of *suite*."""
        lines = [f"deb {self.main} {suite} main"]
        if suite != "sid":
            if self.updates:
                lines.append(f"deb {self.main} {suite}-updates main")
            if self.security:
                lines.append(f"deb {self.security} {suite}-security main")
        return "\n".join(lines) + "\n"


def parse_one_line(text: str) -> list[Source]:
    """Parse the one-line format (``deb [options] URI suite component …``)."""
    found = []
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].strip()
        match = re.fullmatch(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s*(.*)", line)
        if match:
            uri, suite, components = match.groups()
            found.append(Source((uri,), (suite,), tuple(components.split())))
    return found


def parse_deb822(text: str) -> list[Source]:
    """Parse the deb822 format (stanzas of ``Types:``, ``URIs:``, ``Suites:``, ``Components:``)."""
    found = []
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        current = ""
        for line in stanza.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t":
                if current:
                    fields[current] += f" {line.strip()}"
                continue
            key, _, value = line.partition(":")
            current = key.strip().lower()
            fields[current] = value.strip()
        if "deb" not in fields.get("types", "").split():
            continue
        if fields.get("enabled", "yes").lower() in {"no", "false", "0", "off", "disable", "without"}:
            continue
        found.append(
            Source(
                tuple(fields.get("uris", "").split()),
                tuple(fields.get("suites", "").split()),
                tuple(fields.get("components", "").split()),
            )
        )
    return found


def read_sources(root: Path = Path("/etc/apt")) -> list[Source]:
    """Read every source that apt itself would read."""
    found: list[Source] = []
    files = [root / "sources.list", *sorted((root / "sources.list.d").glob("*"))]
    for path in files:
        if path.suffix == ".list" and path.is_file():
            found += parse_one_line(path.read_text(encoding="utf-8"))
        elif path.suffix == ".sources" and path.is_file():
            found += parse_deb822(path.read_text(encoding="utf-8"))
    return found


def _plain_uri(uri: str) -> str | None:
    """Return an address that debootstrap can use; a ``mirror+file:`` list stands for its first entry."""
    if uri.startswith("mirror+file:"):
        listing = Path(re.sub(r"^mirror\+file:/*", "/", uri))
        if not listing.is_file():
            return None
        entries = (line.split("#", 1)[0].split() for line in listing.read_text(encoding="utf-8").splitlines())
        return next((entry[0] for entry in entries if entry), None)
    return uri if uri.startswith(("http://", "https://", "file:")) else None


def choose_mirror(sources: Iterable[Source], codename: str, environment: Mapping[str, str]) -> Mirror:
    """Return the mirror that carries the machine's own Debian suite."""
    wanted = environment.get(MIRROR_VARIABLE)
    if wanted:
        return Mirror(main=wanted.rstrip("/"))
    main: str | None = None
    security: str | None = None
    updates = False
    for source in sources:
        if "main" not in source.components:
            continue
        for uri in filter(None, map(_plain_uri, source.uris)):
            if codename in source.suites and main is None:
                main = uri.rstrip("/")
            if f"{codename}-security" in source.suites and security is None:
                security = uri.rstrip("/")
            if f"{codename}-updates" in source.suites:
                updates = True
    if main is None:
        raise LabError(
            f"apt's configuration names no mirror for Debian {codename}; "
            f"write the address of a Debian mirror into {MIRROR_VARIABLE}."
        )
    return Mirror(main, security, updates)


def machine_codename(release_file: Path = Path("/etc/os-release")) -> str:
    """Return the suite that the machine runs, such as ``bookworm``."""
    try:
        text = release_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    match = re.search(r"^VERSION_CODENAME=\"?([a-z]+)\"?$", text, re.MULTILINE)
    return match.group(1) if match else "unknown"


def copied_options() -> str:
    """Return those of the machine's apt options that its mirror needs, as an ``apt.conf`` snippet."""
    try:
        dump = subprocess.run(
            ["apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', *COPIED_OPTIONS],
            capture_output=True,
            text=True,
            check=True,
        )
    except FileNotFoundError as error:
        raise LabError("apt-config is missing; the lab needs a Debian machine.") from error
    return dump.stdout
