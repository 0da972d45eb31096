"""What the contract tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import catalogue, engine, up
from lab.console import Console
from lab.rustfs import layout
from tests.contract.support import Launcher


@pytest.fixture(scope="session", autouse=True)
def current_images() -> None:
    """Have the images made where their recipe changed: what is tested is what the mirror gives out."""
    up.images_only(Console(), [catalogue.MYSQL.folder, catalogue.POSTGRES.folder], layout.DEFAULT_PROFILE)


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    """Give what starts containers, for one module of tests."""
    made = Launcher(engine.connect())
    yield made
    made.close()
