"""Setting properties, with every row accounted for (HUBSPOT.md 3.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connector.errors import Refused
from connector.hubspot import paths
from connector.hubspot.answers import category, words
from connector.hubspot.objects.records import PAGE, chunks, record
from connector.hubspot.transport import Transport, together
from connector.model import Document, Outcome, Update

_SPLIT = frozenset({400, 404, 409, 413})  # refusals of a whole batch that one row may have caused


async def update(t: Transport, object: str, updates: Sequence[Update]) -> list[Outcome]:
    """Set properties of existing records, 100 a request; one outcome for each update, in their order.

    Two updates of one record go in two requests, the earlier first. Raised errors leave it unknown which
    requests before arrived: give 100 at a time where each batch is settled on its own.
    """
    outcomes: dict[int, Outcome] = {}
    for turn in _turns(updates):
        parts = await together(_update(t, object, chunk) for chunk in chunks(turn, PAGE))
        for part in parts:
            outcomes.update(part)
    return [outcomes[place] for place in range(len(updates))]


Numbered = tuple[int, Update]  # an update and its place in the input


def _turns(updates: Sequence[Update]) -> list[list[Numbered]]:
    """Rounds in which no record stands twice: the CRM refuses a batch with one id twice altogether."""
    turns: list[list[Numbered]] = []
    met: dict[str, int] = {}
    for place, one in enumerate(updates):
        turn = met[one.id] = met.get(one.id, -1) + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append((place, one))
    return turns


async def _update(t: Transport, object: str, batch: list[Numbered]) -> dict[int, Outcome]:
    """One request; a batch refused as a whole is halved until the guilty rows stand alone."""
    inputs = [
        {"id": one.id, "properties": dict(one.properties), "objectWriteTraceId": _trace(place, one)}
        for place, one in batch
    ]
    path = paths.OBJECT_UPDATE.format(object=object)
    try:
        document = await t.call("POST", path, json={"inputs": inputs}, effect="update")
    except Refused as no:
        if no.status not in _SPLIT:
            raise
        if len(batch) == 1:
            place, one = batch[0]
            return {place: Outcome(one.id, False, category=no.category or str(no.status), message=str(no))}
        half = len(batch) // 2
        return {
            **await _update(t, object, batch[:half]),
            **await _update(t, object, batch[half:]),
        }
    return _outcomes(batch, document)


def _trace(place: int, one: Update) -> str:
    """Unique within a request: with it the CRM refuses single rows and not the whole batch."""
    return f"{place}-{one.id}"


def _outcomes(batch: list[Numbered], document: Document) -> dict[int, Outcome]:
    """What became of each row; a 2xx that names neither result nor error for one wrote nothing."""
    done: dict[str, Document] = {}
    for row in document.get("results") or ():
        for key in (row.get("objectWriteTraceId"), row.get("id")):
            done[str(key)] = row
    refused: dict[str, Document] = {}
    for error in document.get("errors") or ():
        refused.update(dict.fromkeys(_named(error), error))
    return {place: _outcome(place, one, done, refused) for place, one in batch}


def _named(error: Document) -> Iterator[str]:
    context = error.get("context") or {}
    for key in ("objectWriteTraceId", "ids", "id"):
        said = context.get(key)
        yield from (str(id) for id in (said if isinstance(said, list) else [said]) if id is not None)
    if error.get("id"):
        yield str(error["id"])


def _outcome(
    place: int, one: Update, done: Mapping[str, Document], refused: Mapping[str, Document]
) -> Outcome:
    trace = _trace(place, one)
    if error := refused.get(trace) or refused.get(one.id):
        return Outcome(one.id, False, category=category(error) or "ERROR", message=words(error))
    row = done.get(trace) or done.get(one.id)
    if row is None:
        said = "The CRM answered with success but named neither a result nor an error for this record."
        return Outcome(one.id, False, category="UNACCOUNTED", message=said)
    if not row.get("properties"):
        said = "The CRM answered with success but shows no property of this record: nothing was written."
        return Outcome(one.id, False, category="UNACCOUNTED", message=said)
    return Outcome(one.id, True, record(row))
