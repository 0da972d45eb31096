"""Lists of addresses, the limit of logins, and the log."""

from __future__ import annotations

import json
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..conftest import Platform

SEARCH = "/api/2.0/mlflow/experiments/search?max_results=1"
LIMIT = 20


def test_lists_of_addresses(platform: Platform) -> None:
    assert platform.request(SEARCH, ("carla", "carla's password"), host="near.lab:15000").status == 200
    assert platform.request(SEARCH, ("carla", "wrong"), host="near.lab:15000").status == 401
    for login in (("dora", "dora's password"), ("dora", "wrong"), None):
        assert platform.request(SEARCH, login, host="far.lab:15000").status == 403


def test_log_is_json(platform: Platform, own: ssl.SSLContext) -> None:
    admin = ("admin", platform.password("admin"))
    mark = '/version?mark="x\\y'
    platform.request(mark.replace('"', "%22"), admin, host="mlflow.lab:15443", port=15443, context=own)
    logged = platform.access_log()
    entries = [json.loads(line) for line in logged.splitlines()]
    (entry,) = [entry for entry in entries if "mark=" in entry["uri"]]
    assert (entry["user"], entry["status"], entry["method"], entry["host"]) == ("admin", 200, "GET", "mlflow.lab")
    assert (entry["port"], entry["tls"]) == (15443, "TLSv1.3")
    assert entry["seconds"] >= float(entry["upstream_seconds"]) - 0.01
    assert not [secret for secret in platform.secrets().values() if secret in logged]


def test_failed_logins_are_limited_and_right_ones_are_not(platform: Platform) -> None:
    """All from one address. The first right login of a user comes from many connections at once."""
    with ThreadPoolExecutor(16) as pool:

        def ask(password: str) -> int:
            return platform.request(SEARCH, ("carla", password), host="near.lab:15000").status

        assert set(pool.map(ask, ["carla's password"] * 3 * LIMIT)) == {200}
        assert set(pool.map(lambda _: platform.request(SEARCH, host="near.lab:15000").status, range(2 * LIMIT))) == {
            401
        }
        passwords = [f"wrong {number}" if number % 2 else "carla's password" for number in range(6 * LIMIT)]
        answers = list(zip(passwords, pool.map(ask, passwords), strict=True))
    assert {status for password, status in answers if not password.startswith("wrong")} == {200}
    wrong = [status for password, status in answers if password.startswith("wrong")]
    assert set(wrong) == {401, 429}
    assert wrong.count(401) < 2 * LIMIT
