# Copyright: Contributors to the onprem.mlflow collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users of MLflow's own login against a server that keeps them as MLflow 3.17.2 does."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.onprem.mlflow.plugins.modules import mlflow_users

RunModule = Callable[..., dict[str, Any]]
ADMIN = "the administrator's"
API = "/api/2.0/mlflow/users/"


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.users: dict[str, tuple[str, bool]] = {"admin": (ADMIN, True)}
        self.told: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *arguments: object) -> None:
        """Keep silent."""

    def answer(self, status: int, body: dict[str, Any] | str) -> None:
        content = (json.dumps(body) if isinstance(body, dict) else body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}")
        name, _, password = b64decode(self.headers["Authorization"].split()[1]).decode().partition(":")
        users = self.server.users
        route = f"{self.command} {self.path.removeprefix(API).partition('?')[0]}"
        if users.get(name, ("",))[0] != password:
            self.answer(401, "You are not authenticated.")
        elif route == "GET current":
            self.answer(200, {"user": {"id": 1, "username": name, "is_admin": users[name][1]}})
        elif not users[name][1]:
            self.answer(403, "Permission denied")
        elif route == "GET list":
            listed = [{"id": 1, "username": user, "is_admin": kept[1], "roles": []} for user, kept in users.items()]
            self.answer(200, {"users": listed})
        else:
            self.server.told.append(route)
            self.change(route, body)

    def change(self, route: str, body: dict[str, Any]) -> None:
        users, name = self.server.users, body["username"]
        if route == "POST create":
            users[name] = (body["password"], False)
        elif route == "PATCH update-password":
            users[name] = (body["password"], users[name][1])
        elif route == "PATCH update-admin":
            users[name] = (users[name][0], body["is_admin"])
        elif route == "DELETE delete":
            del users[name]
        self.answer(200, {})

    def do_POST(self) -> None:
        self.do_GET()

    def do_PATCH(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as started:
        threading.Thread(target=started.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield started
        started.shutdown()


@pytest.fixture
def run(run_module: RunModule, server: Server) -> RunModule:
    def with_users(*users: dict[str, Any], check: bool = False, diff: bool = False, **more: Any) -> dict[str, Any]:
        options = {
            "url": f"http://127.0.0.1:{server.server_address[1]}",
            "username": "admin",
            "password": ADMIN,
            "users": list(users),
            **more,
        }
        return run_module(mlflow_users.main, options, check=check, diff=diff)

    return with_users


def user(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "password": f"{name}'s password", **more}


def test_users_are_made_changed_and_removed_once(run: RunModule, server: Server) -> None:
    server.users["carl"] = ("carl's password", False)
    wanted = [user("anna", admin=True), user("bert")]
    actions = ["make anna", "let anna be administrator", "make bert", "remove carl"]
    before = dict(server.users)
    assert run(*wanted, check=True)["actions"] == actions
    assert server.users == before
    done = run(*wanted, diff=True)
    assert done["actions"] == actions
    assert json.loads(done["diff"]["after"]) == {"admin": "administrator", "anna": "administrator", "bert": "user"}
    assert server.users == {
        "admin": (ADMIN, True),
        "anna": ("anna's password", True),
        "bert": ("bert's password", False),
    }
    assert not run(*wanted, check=True)["changed"]
    assert not run(*wanted)["changed"]
    changed = run(user("anna"), {"name": "bert", "password": "another password"})
    assert changed["actions"] == ["let anna be user", "set the password of bert"]
    assert server.users["bert"] == ("another password", False)
    assert "another password" not in json.dumps({**changed, "invocation": None})


def test_a_password_that_the_user_changed_is_kept_where_that_is_wanted(run: RunModule, server: Server) -> None:
    run(user("anna", update_password="on_create"))
    server.users["anna"] = ("chosen by herself", False)
    assert not run(user("anna", update_password="on_create"))["changed"]
    assert run(user("anna"))["actions"] == ["set the password of anna"]


def test_others_stay_where_that_is_wanted(run: RunModule, server: Server) -> None:
    server.users["carl"] = ("carl's password", False)
    assert not run(exclusive=False)["changed"]
    assert run()["actions"] == ["remove carl"]
    assert set(server.users) == {"admin"}


@pytest.mark.parametrize(
    ("users", "complaint"),
    [
        ([user("Admin")], "the platform's administrator has the name 'admin'"),
        ([user("anna"), user("ANNA")], "'anna' stands in the list already"),
        ([user("an:na")], "cannot name a user"),
        ([{"name": "anna", "password": "too short"}], "write at least 12 characters"),
        ([{"name": "anna", "password": "zwölf Zeichen"}], "not ASCII"),
    ],
)
def test_users_that_cannot_be_are_refused(
    run: RunModule, server: Server, users: list[dict[str, Any]], complaint: str
) -> None:
    result = run(*users)
    assert result["failed"]
    assert complaint in result["msg"]
    assert result["msg"].startswith("users: ")
    assert not server.told


def test_it_says_what_to_do_where_the_administrator_is_refused(run: RunModule) -> None:
    assert "write the password that this administrator has" in run(password="another password")["msg"]
