"""The machine's name servers."""

from __future__ import annotations

from pathlib import Path

from lab import resolver


def test_loopback_addresses_are_of_no_use_to_a_container() -> None:
    text = "# made by hand\nsearch lab.example\nnameserver 127.0.0.53\nnameserver 192.0.2.1\nnameserver ::1\n"
    assert resolver.parse(text) == ["192.0.2.1"]


def test_an_address_of_one_link_is_of_no_use_either() -> None:
    assert resolver.parse("nameserver fe80::1%eth0\nnameserver 2001:db8::1\n") == ["2001:db8::1"]


def test_behind_a_local_resolver_its_own_file_is_read(tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.write_text("nameserver 127.0.0.53\n")
    real = tmp_path / "real"
    real.write_text("nameserver 192.0.2.7\nnameserver 192.0.2.8\n")
    assert resolver.nameservers((stub, real)) == ["192.0.2.7", "192.0.2.8"]
    assert resolver.nameservers((stub, tmp_path / "missing")) == []
