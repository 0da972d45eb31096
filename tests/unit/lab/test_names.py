"""Names of the lab's objects."""

from __future__ import annotations

import pytest

from lab import names
from lab.errors import LabError


@pytest.mark.parametrize("name", ["server", "a", "db-1", "x" * 32])
def test_server_names(name: str) -> None:
    assert names.server(name) == f"onprem-mlflow-lab-{name}"


@pytest.mark.parametrize("name", ["", "Server", "-a", "a-", "a_b", "a.b", "x" * 33, "mirror", "a b", "ä"])
def test_names_that_cannot_be_a_host_name_are_refused(name: str) -> None:
    with pytest.raises(LabError, match=r"server name: found .* write lower case letters"):
        names.server(name)


def test_labels_tell_the_lab_s_objects_from_others() -> None:
    assert names.labels("mirror") == {"onprem.mlflow.lab": "true", "onprem.mlflow.lab.role": "mirror"}
