"""Check mode on a server that has nothing yet predicts the whole deployment and does none of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..conftest import Platform


def test_check_mode_predicts_and_changes_nothing(platform: Platform) -> None:
    platform.host.check_output("touch /run/before")
    result = platform.site(check=True)
    result.assert_ok()
    assert not platform.host.check_output(
        "find /etc /opt /srv /usr /var/lib/dpkg /var/lib/apt/lists -xdev -newer /run/before -type f | head"
    )
    assert not platform.host.file("/opt/mlflow").exists
    predicted = " ".join(result.changed).lower()
    for what in ("install", "files", "secret", "image", "start"):
        assert what in predicted, result.changed
    given = [value for name, value in platform.variables.items() if name.endswith(("_password", "_secret_key"))]
    assert given, "the scenario gives secrets in its inventory"
    assert not [secret for secret in given if secret in result.output], "a secret is in the output"
