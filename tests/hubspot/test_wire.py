"""Values as the CRM writes them, and as it should not."""

from __future__ import annotations

import pytest

from connector.hubspot import wire

MS = 1_795_161_662_345


@pytest.mark.parametrize(
    ("said", "ms"),
    [
        ("2026-11-20T08:01:02.345Z", MS),
        ("2026-11-20T08:01:02Z", MS - 345),
        ("2026-11-20T08:01:02.345678Z", MS),
        ("2026-11-20T08:01:02.345", MS),
        ("2026-11-20T03:01:02.345-05:00", MS),
        ("2026-11-20", 1_795_132_800_000),
        (str(MS), MS),
        (MS, MS),
        ("-1", -1),
        ("1969-12-31T23:59:59.999Z", -1),
        (0, 0),
        ("", None),
        (None, None),
        (True, None),
        ("soon", None),
        ("2026-02-30", None),
        ("99999-01-01", None),
        (1.5, None),
    ],
)
def test_times(said: object, ms: int | None) -> None:
    assert wire.moment(said) == ms


@pytest.mark.parametrize("ms", [0, 1, MS, 4_102_444_800_000])
def test_a_time_comes_back(ms: int) -> None:
    assert wire.moment(wire.iso(ms)) == ms


@pytest.mark.parametrize(
    ("url", "path", "domain"),
    [
        ("https://www.acme.fr/Tarifs?x=1#y", "/Tarifs", "www.acme.fr"),
        ("https://www.acme.fr", "/", "www.acme.fr"),
        ("www.acme.fr/tarifs?from=https://x.fr/y", "/tarifs", "www.acme.fr"),
        ("//acme.fr//a", "/a", "acme.fr"),
        ("/tarifs", "/tarifs", None),
        ("https://acme.fr/démo", "/démo", "acme.fr"),
        ("https://[bad", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_pages(url: object, path: str | None, domain: str | None) -> None:
    assert wire.page(url) == (path, domain)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("12", 12.0),
        ("12.50", 12.5),
        (7, 7.0),
        ("N/A", None),
        ("", None),
        (None, None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_numbers(said: object, number: float | None) -> None:
    assert wire.number(said) == number


@pytest.mark.parametrize(
    ("said", "address"), [(" Jane@ACME.fr ", "jane@acme.fr"), ("  ", None), (None, None)]
)
def test_addresses(said: object, address: str | None) -> None:
    assert wire.address(said) == address
