"""The settings of a lab server, and what is shown of it."""

from __future__ import annotations

import subprocess

import pytest

from lab import cli, server, show, up, used
from lab.errors import LabError


def test_settings_in_the_words_of_the_sdk() -> None:
    arguments = server.create_arguments(server.settings())
    assert arguments["cgroupns"] == "host"
    assert arguments["tmpfs"] == {"/run": "", "/run/lock": ""}
    assert "/var/lib/docker" in arguments["volumes"]
    assert "seccomp=unconfined" in arguments["security_opt"]
    assert arguments["network"] == "onprem-mlflow-lab"


def test_a_server_has_an_image_of_its_suite() -> None:
    assert [server.image(suite) for suite in server.SUITES] == [
        "onprem-mlflow-lab/server:trixie",
        "onprem-mlflow-lab/server:bookworm",
    ]


def test_servers_in_use_are_of_one_suite(capsys: pytest.CaptureFixture[str]) -> None:
    assert used.SUITE in server.SUITES
    assert cli.main(["up", "--in-use", "--suite", "bookworm"]) == 1
    assert "--in-use: found --suite bookworm, write --suite trixie" in capsys.readouterr().err


def test_a_server_is_not_privileged_and_asks_for_no_capability_that_an_old_engine_does_not_know() -> None:
    stated = server.settings()
    assert "privileged" not in stated
    assert not {"BPF", "PERFMON", "CHECKPOINT_RESTORE", "SYS_RESOURCE"} & set(stated["capabilities"])
    assert len(set(stated["capabilities"])) == len(stated["capabilities"])


@pytest.mark.parametrize(("text", "port"), [("", 15000), ("8080", 8080)])
def test_port(monkeypatch: pytest.MonkeyPatch, text: str, port: int) -> None:
    monkeypatch.setenv("LAB_PORT", text)
    assert up.default_port() == port


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "8080 "])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LAB_PORT", text)
    with pytest.raises(LabError, match=r"LAB_PORT: found .* write a port number"):
        up.default_port()


@pytest.mark.parametrize("secret", ["plain123", "a b", "it's", "$HOME", "`id`", '"quoted"', "back\\slash", "ä#?"])
def test_a_password_stays_one_word_of_a_shell(secret: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"printf %s {show.shell_word(secret)}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == secret
