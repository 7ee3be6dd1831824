"""Environment and `.env`: every variable, what it may say, who wins."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from connector import settings
from connector.clock import Held, SystemClock
from connector.errors import BadSettings
from connector.model import Secret
from connector.settings import KNOWN, OAuthApp, Settings, read

APP = {"HUBSPOT_CLIENT_ID": "id", "HUBSPOT_CLIENT_SECRET": "sec", "HUBSPOT_REFRESH_TOKEN": "ref"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing in it, and an environment that says nothing."""
    for name in (*KNOWN, "CONNECTOR_RATE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_defaults() -> None:
    assert read({}) == Settings()
    assert read({}).base_url == "https://api.hubapi.com"
    assert isinstance(read({}).clock(), SystemClock)


@pytest.mark.parametrize(
    ("name", "value", "attribute", "meaning"),
    [
        ("HUBSPOT_ACCESS_TOKEN", "pat-eu1-x", "token", Secret("pat-eu1-x")),
        ("HUBSPOT_BASE_URL", "http://127.0.0.1:8765/", "base_url", "http://127.0.0.1:8765"),
        ("HUBSPOT_BASE_URL", "https://proxy.acme.fr/crm", "base_url", "https://proxy.acme.fr/crm"),
        ("CONNECTOR_DB", "cache/été.db", "db", Path("cache/été.db")),
        ("CONNECTOR_RULES", "my-rules", "rules", Path("my-rules")),
        ("CONNECTOR_RATE_SHARE", "1", "rate_share", 1.0),
        ("CONNECTOR_SYNC_EVERY", "90s", "sync_every", 90),
        ("CONNECTOR_SYNC_EVERY", "2 h", "sync_every", 7200),
        ("CONNECTOR_SYNC_EVERY", "30d", "sync_every", 30 * 86400),
        ("CONNECTOR_BRAKE", "0.05", "brake", 0.05),
        ("CONNECTOR_NOW", "2026-11-16T09:00Z", "held_at", 1_794_819_600_000),
        ("CONNECTOR_NOW", "2026-11-16T10:00+01:00", "held_at", 1_794_819_600_000),
        ("CONNECTOR_NOW", "2026-11-16", "held_at", 1_794_787_200_000),
    ],
)
def test_each_variable(name: str, value: str, attribute: str, meaning: object) -> None:
    assert getattr(read({name: value}), attribute) == meaning


def test_an_app_instead_of_a_token_and_the_token_wins() -> None:
    assert read(APP).need_credentials() == OAuthApp("id", Secret("sec"), Secret("ref"))
    assert read({**APP, "HUBSPOT_ACCESS_TOKEN": "pat"}).need_credentials() == Secret("pat")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"HUBSPOT_ACCESS_TOKEN": "pat x"}, "HUBSPOT_ACCESS_TOKEN holds a character that no token has"),
        ({"HUBSPOT_ACCESS_TOKEN": "pat-é"}, "HUBSPOT_ACCESS_TOKEN holds a character that no token has"),
        ({"HUBSPOT_CLIENT_ID": "id"}, "HUBSPOT_CLIENT_SECRET and HUBSPOT_REFRESH_TOKEN is not set"),
        ({**APP, "HUBSPOT_CLIENT_SECRET": "“sec”"}, "HUBSPOT_CLIENT_SECRET holds a character"),
        ({"HUBSPOT_BASE_URL": "api.hubapi.com"}, "HUBSPOT_BASE_URL is 'api.hubapi.com', not an address"),
        ({"HUBSPOT_BASE_URL": "https://a b"}, "not an address"),
        (
            {"CONNECTOR_RATE_SHARE": "80%"},
            "CONNECTOR_RATE_SHARE is '80%'; it is a share above 0 and at most 1",
        ),
        ({"CONNECTOR_RATE_SHARE": "0"}, "it is a share"),
        ({"CONNECTOR_RATE_SHARE": "nan"}, "it is a share"),
        ({"CONNECTOR_BRAKE": "20"}, "CONNECTOR_BRAKE is '20'; it is a share"),
        ({"CONNECTOR_BRAKE": "0,2"}, "CONNECTOR_BRAKE is '0,2'; it is a share"),
        ({"CONNECTOR_SYNC_EVERY": "5"}, "CONNECTOR_SYNC_EVERY is '5'; it is a number and a unit"),
        ({"CONNECTOR_SYNC_EVERY": "0m"}, "it is a number and a unit"),
        ({"CONNECTOR_SYNC_EVERY": "-5m"}, "it is a number and a unit"),
        ({"CONNECTOR_SYNC_EVERY": "999999999d"}, "at most 30d"),
        ({"CONNECTOR_NOW": "tomorrow"}, "CONNECTOR_NOW is 'tomorrow', not a date"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_name(said: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadSettings) as error:
        read(said)
    assert sentence in str(error.value)
    assert error.value.fix
    assert error.value.exit_code == 2


def test_no_token_names_the_variable_and_where_to_make_one() -> None:
    with pytest.raises(BadSettings, match="HUBSPOT_ACCESS_TOKEN is not set") as error:
        read({}).need_credentials()
    assert "Service keys" in error.value.fix


def test_names_that_nobody_reads_are_told() -> None:
    assert read({"CONNECTOR_RATE": "1", "CONNECTOR_DB": "x", "PATH": "/"}).unknown == ("CONNECTOR_RATE",)


def test_a_held_clock() -> None:
    clock = read({"CONNECTOR_NOW": "2026-11-16T09:00Z"}).clock()
    assert isinstance(clock, Held)
    assert clock.now() == 1_794_819_600_000


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    for found in (read({"HUBSPOT_ACCESS_TOKEN": "s3cret"}), read({**APP, "HUBSPOT_CLIENT_SECRET": "s3cret"})):
        assert "s3cret" not in f"{found} {found!r} {asdict(found)} {found.need_credentials()}"
    with pytest.raises(BadSettings) as error:
        read({"HUBSPOT_ACCESS_TOKEN": "s3cret é"})
    assert "s3cret" not in f"{error.value} {error.value.fix}"


# -- .env ----------------------------------------------------------------------------------------------


def write(folder: Path, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / ".env").write_text("\n".join(lines), "utf-8")
    return folder


def test_the_environment_wins_over_the_file(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(elsewhere, "CONNECTOR_DB=file.db", "CONNECTOR_BRAKE='0.5'  # half", "CONNECTOR_RATE_SHARE=")
    monkeypatch.setenv("CONNECTOR_DB", "environment.db")
    found = settings.load()
    assert (found.db, found.brake, found.rate_share) == (Path("environment.db"), 0.5, 0.8)


def test_the_folder_of_the_rules_comes_before_the_present_one(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(elsewhere, "CONNECTOR_DB=here.db")
    rules = write(elsewhere / "rules", "CONNECTOR_DB=rules.db")
    assert settings.load().db == Path("here.db")
    assert settings.load(rules=rules).db == Path("rules.db")
    assert settings.load(rules=elsewhere / "other").db == Path("here.db")
    monkeypatch.setenv("CONNECTOR_RULES", str(rules))
    assert settings.load().db == Path("rules.db")


def test_what_is_said_on_the_command_line_wins(elsewhere: Path) -> None:
    write(elsewhere, "CONNECTOR_DB=file.db", "CONNECTOR_RULES=file")
    found = settings.load(db=Path("flag.db"), rules=Path("flag"))
    assert (found.db, found.rules) == (Path("flag.db"), Path("flag"))


def test_a_dollar_in_the_file_is_a_dollar(elsewhere: Path) -> None:
    write(elsewhere, "HUBSPOT_ACCESS_TOKEN=pat-$HOME")
    assert settings.load().token == Secret("pat-$HOME")


def test_a_variable_that_the_rules_name(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read when it is asked for: a secret may be put there while the daemon runs."""
    rules = elsewhere / "rules"
    rules.mkdir()
    assert settings.variable("OPS_SECRET", rules) is None
    write(rules, "OPS_SECRET=first$x", "OPS_URL=")
    assert settings.variable("OPS_SECRET", rules) == Secret("first$x")
    assert settings.variable("OPS_URL", rules) is None
    monkeypatch.setenv("OPS_SECRET", " second ")
    assert settings.variable("OPS_SECRET", rules) == Secret("second")


def test_a_file_that_is_no_utf8_is_said(elsewhere: Path) -> None:
    (elsewhere / ".env").write_bytes("CONNECTOR_DB=été.db".encode("latin-1"))
    with pytest.raises(BadSettings, match=r"\.env cannot be read") as error:
        settings.load()
    assert "UTF-8" in error.value.fix


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_wants_no_colour(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert not settings.no_color()
    monkeypatch.setenv(name, value)
    assert settings.no_color()
