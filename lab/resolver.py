"""The machine's name servers, as its containers can reach them."""

from __future__ import annotations

import ipaddress
from pathlib import Path

# Where systemd-resolved stands before them, the second file holds the real ones.
_FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def parse(text: str) -> list[str]:
    """Return the addresses in a ``resolv.conf`` that are not on the loopback interface."""
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            address = ipaddress.ip_address(words[1].split("%", 1)[0])
            if not address.is_loopback and not address.is_link_local:
                found.append(str(address))
    return found


def nameservers(files: tuple[Path, ...] = _FILES) -> list[str]:
    """Return the name servers of the first file that names one."""
    for path in files:
        if path.is_file():
            found = parse(path.read_text(encoding="utf-8"))
            if found:
                return found
    return []
