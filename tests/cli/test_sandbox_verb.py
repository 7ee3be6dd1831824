"""`connector sandbox`: what it prints to start from, and where it does not listen."""

from __future__ import annotations

import json
import shlex
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from command_line import Folder, stop


def _ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    found = Folder(tmp_path)
    yield found
    found.close()


def _document(folder: Folder, *args: str) -> dict[str, dict[str, str]]:
    """What it prints with --json once it listens; the process goes on."""
    process = folder.start("sandbox", "--json", *args)
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if line == "}\n":
            break
    found: dict[str, dict[str, str]] = json.loads(printed)
    return found


def test_it_prints_all_that_is_needed_to_start(folder: Folder) -> None:
    process = folder.start("sandbox", "--contacts", "3")
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(11)]
    said = dict(line.split("=", 1) for line in lines if line.startswith("HUBSPOT_"))
    assert list(said) == [
        "HUBSPOT_BASE_URL",
        "HUBSPOT_ACCESS_TOKEN",
        "HUBSPOT_CLIENT_ID",
        "HUBSPOT_CLIENT_SECRET",
        "HUBSPOT_REFRESH_TOKEN",
    ]
    first, second = (shlex.split(line) for line in lines if line.startswith("curl"))
    name, value = first[2].split(": ")
    assert httpx.get(first[3], headers={name: value}).json()["timeZone"] == "Europe/Paris"
    assert httpx.get(second[1]).json()["controls"]
    form = {name.removeprefix("HUBSPOT_").lower(): said[name] for name in list(said)[2:]}
    token = httpx.post(
        f"{said['HUBSPOT_BASE_URL']}/oauth/v3/token", data={**form, "grant_type": "refresh_token"}
    )
    assert token.status_code == 200 and token.json()["access_token"]
    assert stop(process, signal.SIGTERM).code == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "127.0.0.2", ""])
def test_it_listens_on_nothing_but_loopback(folder: Folder, host: str) -> None:
    ran = folder("sandbox", "--host", host)
    assert ran.code == 2 and ran.stdout == ""
    assert f"it listens on loopback only (127.0.0.1, localhost, ::1), not on {host}" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("localhost", "http://127.0.0.1:"),
        pytest.param(
            "::1", "http://[::1]:", marks=pytest.mark.skipif(not _ipv6(), reason="this machine has no IPv6")
        ),
    ],
)
def test_a_name_or_the_other_family_of_loopback(folder: Folder, host: str, shown: str) -> None:
    summary = _document(folder, "--host", host)["summary"]
    assert summary["url"].startswith(shown)
    headers = {"Authorization": f"Bearer {summary['token']}"}
    assert httpx.get(f"{summary['url']}/crm/v3/objects/contacts", headers=headers).json() == {"results": []}
    assert stop(folder.started[-1], signal.SIGINT).code == 0


def test_its_first_paragraph_says_what_it_does_not_imitate(folder: Folder) -> None:
    from connector import sandbox

    shown = " ".join(folder("sandbox", "--help").stdout.split())
    for name in (
        "screens",
        "workflows",
        "webhooks",
        "tickets",
        "products",
        "custom objects",
        "subscription types",
        "custom event definitions",
        "form editing",
        "calculated properties of the account's own",
        "sensitive data",
        "HubSpot's speed",
    ):
        assert name in shown and name in " ".join((sandbox.__doc__ or "").split())
