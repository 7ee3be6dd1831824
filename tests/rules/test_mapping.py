"""mappings/: fields, signals, what is written back."""

from __future__ import annotations

from pathlib import Path

import pytest
from rulebook import codes, load, mistakes

from connector.rules.tree import AnyOf, Field, Test

Test.__test__ = False  # type: ignore[attr-defined]  # a noun of ours, not a test of pytest's


def fields(folder: Path, body: str) -> dict[str, Field]:
    sized = "company_size: {property: numberofemployees, object: company, type: number}"
    return dict(load(folder, contact=f"contact:\n  fields:\n    {sized}\n    {body}").mapping.fields)


def told(folder: Path, body: str) -> list[str]:
    sized = "company_size: {property: numberofemployees, object: company, type: number}"
    return codes(folder, contact=f"contact:\n  fields:\n    {sized}\n    {body}")


def test_a_field_is_a_name_or_a_block(tmp_path: Path) -> None:
    made = fields(
        tmp_path,
        "short: firstname\n    long: {property: x, type: choice, provision: true, values: [no, b, no]}",
    )
    short, long = made["short"], made["long"]
    assert (short.property, short.object, short.type) == ("firstname", "contacts", "text")
    assert (short.place.line, short.place.col) == (5, 12)
    assert (long.type, long.provision, long.optional, long.values) == ("choice", True, False, ("no", "b"))
    assert made["company_size"].object == "companies"


def test_the_usual_fields_of_a_deal_have_their_type_without_saying_so(tmp_path: Path) -> None:
    usual = "probability: p, amount: a, close_date: c, is_won: w"
    body = f"deal:\n  fields: {{{usual}, name: n, extra: {{property: e, type: bool}}}}"
    made = load(tmp_path, deal=body).mapping.deal_fields
    assert [field.type for field in made.values()] == ["number", "number", "datetime", "bool", "text", "bool"]
    assert {field.object for field in made.values()} == {"deals"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("Name: firstname", "unusable-name"),
        ("9lives: firstname", "unusable-name"),
        ("a" * 61 + ": firstname", "unusable-name"),
        ("any_signal: firstname", "reserved-name"),
        ("fit: firstname", "reserved-name"),  # a score of the workflow
        ("mql: firstname", "reserved-name"),  # a stage of it
        ("account_engagement: firstname", "reserved-name"),
        ("without: firstname", "reserved-name"),
        ("for: firstname", "reserved-name"),
        ("method: firstname", "reserved-name"),
        ("x: {property: firstname, object: ticket}", "unknown-value"),
        ("x: {property: firstname, type: money}", "unknown-type"),
        ("x: {type: text}", "missing-key"),
        ("x: {property: firstname, optional: perhaps}", "not-true-or-false"),
        ("x: {property: firstname, values: [a]}", "misplaced-key"),
        ("x: {property: firstname, type: choice, provision: true}", "missing-key"),
        ("x: {property: size, object: company, provision: true}", "misplaced-key"),
        ("x: [firstname]", "wrong-shape"),
        ("x:", "missing-value"),
        ("x: first name", "unusable-name"),
    ],
)
def test_mistakes_in_fields(tmp_path: Path, body: str, code: str) -> None:
    assert told(tmp_path, body) == [code]


def test_a_signal_has_one_source_or_several(tmp_path: Path) -> None:
    body = """
signals:
  demo_download: {event: [form_submission, page_view], where: {path: {matches: "/Démo*"}}}
  email_open: {event: email_open, reject_if: crm_filtered}
  pricing_visit:
    - {event: page_view}
    - event: deal_stage
      where: {any: [{stage: {is: "1"}}, {probability: {above: 0.5}}]}
"""
    made = load(tmp_path, signals=body).mapping.signals
    assert list(made) == ["demo_download", "email_open", "pricing_visit"]
    (demo,) = made["demo_download"].sources
    assert demo.events == ("form_submission", "page_view")
    assert isinstance(demo.where, Test)
    assert (demo.where.scope, demo.where.name, demo.where.values) == ("event", "path", ("/demo*",))
    assert made["email_open"].sources[0].reject_if == ("crm_filtered",)
    visit, deal = made["pricing_visit"].sources
    assert visit.where is None
    assert isinstance(deal.where, AnyOf)
    assert [test.type for test in deal.where.items if isinstance(test, Test)] == ["text", "number"]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("{event: sms}", "unknown-event"),
        ("{event: email_open, where: {campaign: {is: x}}}", "unknown-attribute"),
        ("{event: email_open, reject_if: [robot]}", "unknown-reason"),
        ("{event: call, where: {seconds: {matches: [x]}}}", "wrong-operator"),
        ("{event: call, where: {use: it}}", "misplaced-condition"),
        ("{event: call, where: {any_signal: [email_open]}}", "misplaced-condition"),
        ("{where: {form: {is: x}}}", "missing-key"),
        ("{event: []}", "empty-list"),
        ("[]", "empty-list"),
        ("form_submission", "wrong-shape"),
    ],
)
def test_mistakes_in_signals(tmp_path: Path, source: str, code: str) -> None:
    body = f"signals:\n  demo_download: {source}\n  email_open: {{event: email_open}}"
    assert codes(tmp_path, signals=body) == [code]


def test_an_unknown_event_lists_the_known_ones(tmp_path: Path) -> None:
    (found,) = mistakes(
        tmp_path, signals="signals:\n  demo_download: {event: webinar}\n  email_open: {event: email_open}"
    )
    assert "list_membership" in found.why


def test_what_is_written_back(tmp_path: Path) -> None:
    body = """
write_back:
  fields: {score: lq_score, fit: lq_fit, why: lq_why}
  lifecycle: {property: lifecyclestage, only: forward, stages: {lead: lead, mql: marketingqualifiedlead}}
"""
    back = load(tmp_path, write_back=body).mapping.write_back
    assert dict(back.fields) == {"score": "lq_score", "fit": "lq_fit", "why": "lq_why"}
    assert (back.places["fit"].line, back.places["fit"].col) == (4, 34)
    assert back.lifecycle is not None
    assert dict(back.lifecycle.stages) == {"lead": "lead", "mql": "marketingqualifiedlead"}
    assert back.lifecycle.places["mql"].line == 5


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{fields: {scores: lq_score}}", "unknown-word"),
        ("{fields: {score: lq_x, stage: LQ_X}}", "shared-target"),
        ("{fields: {score: x}, lifecycle: {property: x, stages: {lead: lead}}}", "shared-target"),
        ("{lifecycle: {property: x, stages: {client: customer}}}", "unknown-stage"),
        ("{lifecycle: {property: x, only: backward, stages: {lead: lead}}}", "unknown-value"),
        ("{lifecycle: {property: x}}", "missing-key"),
        ("{fields: {score: }}", "missing-value"),
    ],
)
def test_mistakes_in_what_is_written_back(tmp_path: Path, body: str, code: str) -> None:
    assert codes(tmp_path, write_back=f"write_back: {body}") == [code]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("crm: salesforce\ntimezone: Europe/Paris", "unknown-value"),
        ("crm: hubspot", "missing-key"),
        ("crm: hubspot\ntimezone: ../etc/passwd", "unknown-timezone"),
        ("crm: hubspot\ntimezone: Europe", "unknown-timezone"),
        ("crm: hubspot\ntimezone: Europe/Paris\nlanguage: de", "unknown-value"),
        ("crm: hubspot\ntimezone: Europe/Paris\nnotify: sales", "unknown-key"),
    ],
)
def test_mistakes_at_the_top(tmp_path: Path, body: str, code: str) -> None:
    assert codes(tmp_path, account=body) == [code]


def test_the_language_is_english_unless_said(tmp_path: Path) -> None:
    assert load(tmp_path / "a").mapping.language == "en"
    french = "crm: hubspot\ntimezone: Indian/Reunion\nlanguage: fr"
    made = load(tmp_path / "b", account=french).mapping
    assert (made.language, made.timezone) == ("fr", "Indian/Reunion")
