"""Users of MLflow's own login, and how a run of site.yml is tried in five steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from mlflow.tracking import MlflowClient

if TYPE_CHECKING:
    from ..conftest import Platform

LogIn = Callable[[str], MlflowClient]
Apply = Callable[..., set[str]]


def password(platform: Platform, user: str) -> str:
    """The password of a user, from the inventory or as the operator would read it."""
    name = "mlflow_admin_password" if user == "admin" else f"mlflow_user_{user}_password"
    return platform.secrets().get(f"password of {user}") or platform.secret(name)


def what(changed: list[str]) -> set[str]:
    """The tasks that changed something, or would; some have another name where they only predict."""
    names = {re.sub(r"Predict the start of (\w+)$", r"Start \1", name) for name in changed}
    return {name.replace("Predict the reload of nginx", "Reload nginx") for name in names}


@pytest.fixture
def log_in(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> LogIn:
    """Let MLflow's client be this user from now on."""

    def user(name: str, uri: str = "http://mlflow.example.org:15000") -> MlflowClient:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", name)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password(platform, name))
        return MlflowClient(uri)

    return user


@pytest.fixture
def apply(platform: Platform) -> Apply:
    """Make a change and give the services that were touched; predict it before it, repeat it after it."""

    def change(*, predict: bool = False, repeat: bool = False, **variables: Any) -> set[str]:
        before = platform.containers()
        predicted = platform.site(check=True, **variables) if predict else None
        assert platform.containers() == before, "check mode touched a container"
        made = platform.site(**variables)
        made.assert_ok()
        assert made.changed
        if predicted:
            predicted.assert_ok()
            assert what(predicted.changed) == what(made.changed), "check mode predicted something else"
        output = made.output + (predicted.output if predicted else "")
        assert not [name for name, secret in platform.secrets().items() if secret in output]
        after = platform.containers()
        if repeat:
            again = platform.site(**variables)
            again.assert_ok()
            assert again.changed == []
            assert platform.containers() == after
        return {service for service, container in before.items() if after[service] != container}

    return change
