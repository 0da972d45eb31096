"""What the role backup puts on a server runs there by itself."""

from __future__ import annotations

from pathlib import Path

from tests.unit.roles.library import assert_it_has_all_that_it_imports_and_no_more

PROGRAMS = ("backup_take", "backup_repository")


def test_the_library_has_all_that_it_imports_and_no_more(tmp_path: Path) -> None:
    assert_it_has_all_that_it_imports_and_no_more("backup", PROGRAMS, tmp_path)
