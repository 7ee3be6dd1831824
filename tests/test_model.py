"""The nouns: text as it is compared, moments, secrets, masks."""

from __future__ import annotations

import copy
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import (
    Account,
    PropertyDef,
    Record,
    Secret,
    Standing,
    fold,
    iso,
    mask,
    moment,
)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Étudiant", "etudiant"),
        ("  CŒUR  ", "coeur"),
        ("Æther æ", "aether ae"),
        ("Straße", "strasse"),
        ("ﬁn", "fin"),
        ("ℌello", "hello"),
        ("a\0b", "ab"),
        ("été", "ete"),
        ("", ""),
    ],
)
def test_text_is_compared_without_case_and_accents(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_is_folding_once_and_capitals_never_matter(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert "\0" not in fold(text)


@pytest.mark.parametrize("letters", ["étudiante à l'école", "cœur", "ævi", "straße", "señor"])
def test_capitals_are_the_same_text(letters: str) -> None:
    assert fold(letters.upper()) == fold(letters)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-20T08:01:02.345Z", 1_795_161_662_345),
        ("2026-11-20T08:01:02Z", 1_795_161_662_000),
        ("2026-11-20", 1_795_132_800_000),
        ("1795161662345", 1_795_161_662_345),
        ("-1795161662345", -1_795_161_662_345),
        ("", None),
        ("soon", None),
        ("²²²²²²²²²", None),
        ("9" * 30, None),
        ("9" * 5000, None),
    ],
)
def test_a_moment_in_the_crms_spellings(text: str, at: int | None) -> None:
    assert moment(text) == at


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_every_millisecond_survives_being_spelt(at: int) -> None:
    assert moment(str(at)) == at or abs(at) < 1e8
    assert moment(iso(at) or "") == at // 1000 * 1000


def test_iso_of_nothing_is_nothing() -> None:
    assert iso(None) is None
    assert iso(0) == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("jane@acme.fr", "j***@acme.fr"),
        ("élodie@acme.fr", "é***@acme.fr"),
        ("@acme.fr", "***@acme.fr"),
        ("jane", "j***"),
        ("", "(no e-mail)"),
        (None, "(no e-mail)"),
    ],
)
def test_an_address_as_strangers_may_see_it(address: str | None, shown: str) -> None:
    assert mask(address) == shown


def test_a_secret_shows_itself_to_the_wire_alone() -> None:
    secret = Secret("pat-eu1-abc")
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r}",
        f"{[secret]} { ({1: secret}) }",
    ]
    assert all("abc" not in text for text in shown)
    assert secret.reveal() == "pat-eu1-abc"
    assert secret == Secret("pat-eu1-abc") != Secret("other")
    assert len({secret, Secret("pat-eu1-abc"), copy.deepcopy(secret)}) == 1
    assert not hasattr(secret, "__dict__")


def test_nouns_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Standing("1").stage = "mql"  # type: ignore[misc]
    assert Record("1", {}).history == {}


def test_stages_are_in_the_accounts_order() -> None:
    stage = PropertyDef("lifecyclestage", "", "enumeration", "", options=(("b", "B"), ("a", "A")))
    account = Account("1", "", "", {"contacts": {"lifecyclestage": stage}})
    assert account.stage_order("lifecyclestage") == ("b", "a")
    assert account.stage_order("other") == ()
    assert Account("1", "", "", {}).stage_order("lifecyclestage") == ()
