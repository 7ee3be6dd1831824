"""Records that seem to be gone: merged, in the bin, or erased; and those that came back unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from connector.errors import MissingScope, Refused
from connector.hubspot import objects
from connector.hubspot.objects.presence import Binned, binned
from connector.model import Record
from connector.pull import Pulling
from connector.pull.pages import links_of, store_page
from connector.pull.pulling import properties_of
from connector.store import bookmarks, erasure, identity, presence, records
from connector.store.bookmarks import RECONCILIATION
from connector.store.identity import Gate
from connector.store.merging import merge
from connector.store.schema import write


async def resolve(p: Pulling, ids: Sequence[str]) -> None:
    """What became of these contacts, by the CRM's own word on each: read again, merged, left or erased."""
    missing = await _living(p, ids)
    if not missing:
        return
    bin = await _bin(p, sorted(missing))
    _merged(p, bin.records)
    lost = bin.missing & missing
    with write(p.db):
        for id in missing - lost:
            gone = bin.records[id].id if id in bin.records else id
            erasure.leave(p.db, gone, p.now, binned=id in bin.records)
    if lost:  # who came out of the bin between the two looks is neither here nor there, and alive
        erase(p, sorted(await _living(p, sorted(lost))))


async def _living(p: Pulling, ids: Sequence[str]) -> frozenset[str]:
    """Stores those that are there; gives those that are not."""
    found = await objects.read(p.t, "contacts", ids, properties_of(p.rules, "contacts"))
    await store(p, "contacts", list(found.records.values()))
    _merged(p, found.records)
    return found.missing


async def _bin(p: Pulling, ids: Sequence[str]) -> Binned:
    """Where the bin cannot be read, nobody is erased on its word."""
    try:
        return await binned(p.t, "contacts", ids)
    except (Refused, MissingScope):
        return Binned({}, frozenset())


def _merged(p: Pulling, found: Mapping[str, Record]) -> None:
    """Survivors that do not say whom they absorbed; they answer for them all the same."""
    pairs = [(id, record.id) for id, record in found.items() if id != record.id]
    with write(p.db):
        gate = Gate(p.db)
        for old, new in pairs:
            if gate.is_erased(new):  # a person who was forgotten, by a new name
                erasure.erase(p.db, [old], p.now, asked=True)
            elif identity.survivor(p.db, old) != new:
                merge(p.db, old, new, p.now)


def erase(p: Pulling, ids: Sequence[str]) -> None:
    """Neither among the living nor in the bin: the CRM erased them, and so do we."""
    if not ids:
        return
    texts: list[str] = []
    with write(p.db):
        for id in ids:
            texts += erasure.erase(p.db, [id], p.now, asked=False).texts
    erasure.scrub(p.db, texts)


async def store(p: Pulling, object_type: str, found: Sequence[Record]) -> None:
    """Records that were read by id, as those of a page are."""
    if found:
        links = await links_of(p, object_type, [record.id for record in found])
        progress = bookmarks.get(p.db, RECONCILIATION).progress or {}
        store_page(p, object_type, found, links, RECONCILIATION, progress)


async def bring(p: Pulling, ids: Sequence[str]) -> None:
    """Contacts that are there and not here: their date of change need not have moved when they came back,
    nor that of their deals. Those come first: whoever is here is not brought again by a run that goes on."""
    found = await objects.read(p.t, "contacts", ids, properties_of(p.rules, "contacts"))
    with suppress(MissingScope):  # of deals: others were not read either
        await _bring_deals(p, list(found.records))
    await store(p, "contacts", list(found.records.values()))


async def _bring_deals(p: Pulling, ids: Sequence[str]) -> None:
    wanted = properties_of(p.rules, "deals")
    if wanted and ids:
        joined = await objects.links(p.t, "contacts", "deals", ids)
        deals = sorted({link.to_id for some in joined.values() for link in some})
        await store(p, "deals", list((await objects.read(p.t, "deals", deals, wanted)).records.values()))


async def resolve_others(p: Pulling, object_type: str, ids: Sequence[str]) -> None:
    """The same for companies and deals. Of those that are gone nothing is kept; people of a company that was
    merged have another by now. It is read before the old one goes: a run that goes on would not know them."""
    found = await objects.read(p.t, object_type, ids, properties_of(p.rules, object_type))
    await store(p, object_type, list(found.records.values()))
    gone = [id for id in ids if id not in found.records or found.records[id].id != id]
    if object_type == "companies" and (people := records.members(p.db, "companies", gone)):
        read = await objects.read(p.t, "contacts", people, properties_of(p.rules, "contacts"))
        await store(p, "contacts", list(read.records.values()))
    with write(p.db):
        for id in gone:
            (presence.remove_company if object_type == "companies" else presence.remove_deal)(p.db, id)
