"""One paginator for every endpoint that gives pages with a cursor."""

from __future__ import annotations

from connector.errors import ServerFault
from connector.model import Document


class Cursor:
    """Where the next page begins; None at the end. It follows what the CRM says and says "loop" loudly.

    Pages may be short or empty while there is a next one, so page fill never ends the walk.
    """

    def __init__(self, of: str, at: str | None = None) -> None:
        self.of = of
        self.at = at
        self._met = {at}

    def turn(self, document: Document) -> str | None:
        """Go to the page that `paging.next.after` names.

        :raises ServerFault: the CRM named a page that was read already
        """
        return self.go(after(document))

    def go(self, at: str | None) -> str | None:
        if at is not None and at in self._met:
            raise ServerFault(
                f"The CRM gives the same page of {self.of} again and again (cursor {at!r}); stopped there.",
                "What was read is kept; run the command again.",
            )
        self._met.add(at)
        self.at = at
        return at


def after(document: Document) -> str | None:
    """The cursor of the next page; None on the last one."""
    paging = document.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    said = following.get("after") if isinstance(following, dict) else None
    return str(said) if said not in (None, "") else None
