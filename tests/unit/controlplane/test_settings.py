"""Settings from environment and files, and logs without secrets."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from controlplane.logs import JsonFormatter, bound, scrub
from controlplane.settings import SettingsError, load, with_password
from tests.servers.facts import facts


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "facts.json").write_text(facts().model_dump_json())
    (tmp_path / "db").write_text("p@ss/word\n")
    (tmp_path / "gate").write_text("hop")
    return {
        "MLP_FACTS_FILE": str(tmp_path / "facts.json"),
        "MLP_DATABASE_URL": "postgresql+psycopg://app@db.example:5432/controlplane",
        "MLP_DATABASE_PASSWORD_FILE": str(tmp_path / "db"),
        "MLP_BROKER_URL": "redis://queue:6379/0",
        "MLP_GATEWAY_SECRET_FILE": str(tmp_path / "gate"),
        "MLP_SESSION_HOURS": "2",
    }


def test_passwords_come_from_files_and_print_as_asterisks(environment: dict[str, str]) -> None:
    settings = load(environment)
    assert settings.database_url.get_secret_value() == (
        "postgresql+psycopg://app:p%40ss%2Fword@db.example:5432/controlplane"
    )
    assert settings.session_hours == 2
    assert "p%40ss" not in repr(settings)
    assert "hop" not in str(settings)


def test_everything_wrong_is_named_at_once(environment: dict[str, str]) -> None:
    del environment["MLP_DATABASE_URL"], environment["MLP_BROKER_URL"]
    environment["MLP_SESSION_HOURS"] = "soon"
    with pytest.raises(SettingsError) as error:
        load(environment)
    assert all(name in str(error.value) for name in ("MLP_DATABASE_URL", "MLP_BROKER_URL", "MLP_SESSION_HOURS"))


def test_a_missing_file_is_named(environment: dict[str, str]) -> None:
    environment["MLP_GATEWAY_SECRET_FILE"] = "/nowhere/at/all"
    with pytest.raises(SettingsError, match="MLP_GATEWAY_SECRET_FILE names /nowhere"):
        load(environment)
    (Path(environment["MLP_FACTS_FILE"])).write_text("{}")
    with pytest.raises(SettingsError):
        load(environment)


def test_passwords_go_into_urls_of_any_shape() -> None:
    assert with_password("redis://user@[::1]:6379/0", "a:b") == "redis://user:a%3Ab@[::1]:6379/0"
    with pytest.raises(SettingsError):
        with_password("redis:nothing", "x")


@pytest.mark.parametrize(
    "secret",
    [
        "mlp_" + "a" * 43,
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWIifQ.c2lnbmF0dXJl",
        "postgresql://app:hunter22@db/x",
        "Authorization: Bearer abcdefghijklmnop",
        '{"password": "hunter22"}',
    ],
)
def test_logs_hold_no_secret(secret: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "saw %s", (secret,), None)
    line = JsonFormatter().format(record)
    assert "hunter22" not in line
    assert secret not in line
    assert "redacted" in line


def test_lines_carry_the_ids_of_what_is_done() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "done", (), None)
    with bound(operation="o-1"):
        inside = json.loads(JsonFormatter().format(record))
    outside = json.loads(JsonFormatter().format(record))
    assert inside["operation"] == "o-1"
    assert "operation" not in outside
    assert scrub("nothing to hide") == "nothing to hide"
