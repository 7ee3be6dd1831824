"""Form submissions against the sandbox."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from engagement_reader import BY_NAME, Reader, whole
from manual_clock import NOW

from connector.hubspot.engagement import OVERLAP
from connector.hubspot.transport import Transport
from connector.model import DAY, HOUR
from connector.sandbox import Portal, rows

FORM = rows.Form("0cabd3a8-0001", "livre-blanc-rgpd", NOW - 90 * DAY)


def submission(at: int, address: str = "Anne@ACME.fr ") -> rows.Submission:
    values = {"firstname": "Anne", "email": address}
    return rows.Submission(FORM.guid, at, values, "https://www.acme.fr/Livres-Blancs/rgpd?utm=x#top")


@pytest.mark.parametrize("with_id", [True, False], ids=["conversionId", "hashed"])
async def test_a_submission_is_joined_by_what_was_typed(portal: Portal, t: Transport, with_id: bool) -> None:
    portal.knobs(form_conversion_id=with_id)
    portal.load([FORM, submission(NOW - DAY), submission(NOW - DAY, "")])
    reader = await whole("forms", t)
    [anne, nobody] = sorted(reader.rows.values(), key=lambda row: row.address or "~")
    assert (anne.event, anne.at, anne.contact_id, anne.address) == (
        "form_submission",
        NOW - DAY,
        None,
        "anne@acme.fr",
    )
    assert anne.attrs == {
        "form": "livre-blanc-rgpd",
        "form_id": FORM.guid,
        "path": "/Livres-Blancs/rgpd",
        "domain": "www.acme.fr",
    }
    assert nobody.address is None
    assert anne.id != nobody.id


async def test_an_increment_reads_back_to_its_bookmark(portal: Portal, t: Transport) -> None:
    portal.load([FORM, *(submission(NOW - n * HOUR) for n in range(200))])
    reader = await whole("forms", t)
    assert len(reader.rows) == 200
    portal.load([submission(NOW + HOUR), submission(NOW - OVERLAP // 2)])  # a new one, a late one
    before, reader.given = t.requests, 0
    await reader.run(until=NOW + 2 * HOUR)
    assert len(reader.rows) == 202
    assert (reader.given, t.requests - before) == (3, 2)


async def test_one_form_further_back_than_another(portal: Portal, t: Transport) -> None:
    """Each has its own bookmark: a form that is new to us is read from the beginning."""
    portal.load([FORM, submission(NOW - 30 * DAY)])
    reader = await whole("forms", t)
    other = rows.Form("0cabd3a8-0000", "devis", NOW)
    older = rows.Submission(other.guid, NOW - 60 * DAY, {"email": "x@y.fr"}, "")
    portal.load([other, older])
    await reader.run()
    assert len(reader.rows) == 2


async def test_forms_without_submissions_do_not_matter(fake: Any) -> None:
    forms = [{"id": "1", "name": "a", "formType": "blog_comment"}, {"id": "2"}, {"id": "3", "name": "c"}]

    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.path.rpartition("/")[2]:
            case "forms":
                return httpx.Response(200, json={"results": forms})
            case "2":
                return httpx.Response(400, json={"subCategory": "FORM_TYPE_NOT_ALLOWED"})
        return httpx.Response(200, json={"results": [{"values": []}, {"submittedAt": NOW, "values": None}]})

    reader = Reader(BY_NAME["forms"], fake(answer))
    await reader.run()
    assert (len(reader.rows), reader.skipped) == (1, 1)
