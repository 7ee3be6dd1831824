"""What happens to several people of one account, told like a life (`life_diary`), where the brake is on.

A case file has `people`, by name: one contact each, or `times: 40` of a kind, who all do the same. An entry
says `who` does something; or `merges: {kept: gone}`; `taken_apart: {name: address}`, for one who was merged
away; `edits: {file: [before, after]}`. `sync` is `no` (there is none), `held` (by the brake) or `applied` (by
a person, then). `then` says how people stand, as far as it names it; `wrote`: of whom values were written;
`tasks`: those that were made.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from journey_diary import moment
from life_diary import Case, Life, account

from connector import rules as reading

BRAKE = 0.2


@dataclass(frozen=True)
class Person:
    id: int
    email: str


@dataclass
class Town(Life):
    """`who` and `email` are those of whoever acts, or is looked at, at the moment."""

    people: dict[str, list[Person]] = field(default_factory=dict)

    def begin(self, case: Case) -> None:
        self.until(moment(case["begins"]))
        for name, said in case["people"].items():
            times = int(said.pop("times", 1))
            self.people[name] = [self._created(self._numbered(said, n + 1)) for n in range(times)]

    def _numbered(self, said: Case, n: int) -> Case:
        return {key: value.format(n=n) for key, value in said.items()}

    def _created(self, said: Case) -> Person:
        return Person(self.portal.create("contacts", self._properties(said)), said["email"])

    def _now(self, person: Person) -> None:
        self.who, self.email = person.id, person.email

    async def goes_on(self, entry: Case, *, asleep: bool = False) -> None:
        assert not asleep, "somebody of a town is always awake"
        self.until(moment(entry["on"]))
        for name, value in entry.items():
            match name:
                case "on" | "because" | "who" | "by" | "sync" | "then":
                    pass
                case "merges":
                    [(kept, gone)] = value.items()
                    self._merged(kept, gone)
                case "taken_apart":
                    self._taken_apart(value)
                case "edits":
                    self._edited(value)
                case _:
                    self._each(entry, name, value)
        if entry.get("sync") != "no":
            self.house.seconds(60)
            await self._looked_at(entry)

    def _each(self, entry: Case, name: str, value: Any) -> None:
        who = entry["who"]
        for one in who if isinstance(who, list) else [who]:
            for person in self.people[one]:
                self._now(person)
                self._happens(name, value, entry.get("by", ""))

    def _merged(self, kept: str, gone: str) -> None:
        [one], [other] = self.people[kept], self.people.pop(gone)
        self.people[kept] = [Person(self.portal.merge(one.id, other.id), one.email)]
        self.ids[other.email] = self.people[kept][0].id

    def _taken_apart(self, value: Case) -> None:
        """The CRM cannot undo a merge: a person takes the address away, and makes the other contact anew."""
        [(name, email)] = value.items()
        self.portal.edit(self.ids[email], {"hs_additional_emails": ""})
        self.people[name] = [self._created({"email": email})]

    def _edited(self, value: dict[str, list[str]]) -> None:
        for file, (before, after) in value.items():
            text = (self.folder / file).read_text("utf-8")
            assert text.count(before) == 1, before
            (self.folder / file).write_text(text.replace(before, after), "utf-8")
        self.house.rules = self.rules = reading.load(self.folder)

    async def _looked_at(self, entry: Case) -> None:
        on, then = entry["on"], dict(entry.get("then", {}))
        wrote, made = then.pop("wrote", []), then.pop("tasks", [])
        tasks = self._tasks()
        self.house.requests()
        done = await self.house.sync(brake=BRAKE)
        assert done.braked == (entry.get("sync") in ("held", "applied")), f"{on}: {done.plan.summary}"
        if entry.get("sync") == "applied":
            await self.house.apply(done.plan)
        assert self._tasks()[len(tasks) :] == made, f"{on}: {self._tasks()[len(tasks) :]}"
        assert self._written() == set(wrote), f"{on}: {self._written()}"
        for name, said in then.items():
            for person in self.people[name]:
                self._now(person)
                now = self._stands()
                known = self._known(said)
                assert {key: now[key] for key in known} == known, f"{on}: {person.email} {now}"

    def _written(self) -> set[str]:
        """The names of those whose values were written."""
        updates = [r for r in self.house.writes() if r["body"]]
        ids = {one["id"] for r in updates for one in json.loads(r["body"])["inputs"]}
        known = {str(person.id): name for name, some in self.people.items() for person in some}
        return {known.get(id, id) for id in ids}

    async def rests(self) -> None:
        self.house.seconds(60)
        await self._looked_at({"on": "at the end"})


@asynccontextmanager
async def town(folder: Path, case: Case) -> AsyncIterator[Town]:
    """The account and the people of a case; nothing was synced yet."""
    async with AsyncExitStack() as stack:
        made = await account(folder, moment(case["begins"]), stack)
        found = Town(folder, stack, made.portal, made.rules, made)
        await found.house.sync()
        found.begin(case)
        yield found
