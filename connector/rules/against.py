"""The rules against an account: does it have the properties and stages that the mapping names?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from connector.diagnostics import Diagnostic, Place
from connector.model import OUT, Account, PropertyDef, fold
from connector.rules.nodes import Mark, Mistakes, listed, quoted
from connector.rules.suggest import close_labelled
from connector.rules.tree import (
    Condition,
    DealIs,
    Field,
    FieldType,
    Lifecycle,
    PropertyRule,
    Rules,
    Test,
    leaves,
)

OWN = "lq_"  # how the properties begin that `provision` makes for what we write
_SINGULAR = {"contacts": "contact", "companies": "company", "deals": "deal"}
# the CRM's property types that a field of ours can be read from; text can be read from all
_READABLE: Mapping[FieldType, tuple[str, ...]] = {
    "number": ("number",),
    "bool": ("bool",),
    "date": ("date",),
    "datetime": ("datetime",),
    "choice": ("enumeration",),
}
_FIELD_TYPES: Mapping[str, FieldType] = {
    **{crm: ours for ours, types in _READABLE.items() for crm in types},
    "string": "text",
    "phone_number": "text",
}
# and those that a word of ours can be written to; a score goes into the rest
_WRITABLE: Mapping[str, tuple[str, ...]] = {
    "temperature": ("enumeration", "string"),
    "stage": ("enumeration", "string"),
    "why": ("string",),
    "rules": ("string",),
    "epoch": ("datetime",),
}
_SCORE = ("number", "string")


def against(rules: Rules, account: Account, lead_status: str = "") -> list[Diagnostic]:
    """Errors: what cannot work in this account. Notes: what `provision` makes, or is optional.

    :param lead_status: the contact property with a lead's status; "" leaves those of `notify` unchecked
    """
    checks = _Checks(rules, account)
    for field in (*rules.mapping.fields.values(), *rules.mapping.deal_fields.values()):
        checks.field(field)
    checks.key()
    checks.write_back()
    checks.lead_status(lead_status)
    checks.fallbacks()
    checks.lists()
    for condition in _conditions(rules):
        checks.condition(condition)
    return checks.told()


class _Checks:
    def __init__(self, rules: Rules, account: Account) -> None:
        self._rules = rules
        self._account = account
        self._mistakes = Mistakes()
        for file, lines in rules.lines.items():
            self._mistakes.know(file, lines)

    def told(self) -> list[Diagnostic]:
        return list(self._mistakes)

    def field(self, field: Field) -> None:
        known = self._account.properties.get(field.object)
        if known is None:  # not read from this account: nothing can be said
            return
        found = known.get(field.property)
        if found is None:
            self._absent(field, known)
            return
        if field.type != "text" and not _fits(field.type, found):
            self._wrong_type(field, found)
        elif field.type == "choice" and found.options:
            self._options(field.property, field.values, field.place, found, ours=field.provision)

    def key(self) -> None:
        prop, place = self._rules.mapping.key, self._rules.mapping.key_place
        known = self._account.properties.get("contacts")
        if not prop or place is None or known is None:
            return
        found = known.get(prop)
        if found is None:
            self._unknown(prop, "contacts", place, known)
        elif not found.read_only:
            self._mistakes.add(
                "changeable-key",
                self._mark(place, prop),
                f"{quoted(prop)} can be changed, so it cannot be the key of a contact",
                why="whoever edits it would become another person to us, with no history.",
                fix="name the CRM's own record id, or delete the line (that is what is used then).",
            )

    def write_back(self) -> None:
        back, workflow = self._rules.mapping.write_back, self._rules.workflow
        expected: Mapping[str, tuple[str, ...]] = {
            "stage": (*workflow.stages_named(), *((OUT,) if workflow.disqualify else ())),
            "temperature": tuple(band.name for band in workflow.bands),
        }
        for word, prop in back.fields.items():
            found = self._target(prop, back.places[word], provisioned=True)
            if found is None:
                continue
            accepted = _WRITABLE.get(word, _SCORE)
            if found.type not in accepted:
                self._unwritable(word, prop, back.places[word], found, accepted)
            elif found.type == "enumeration":
                self._options(prop, expected.get(word, ()), back.places[word], found, ours=True)
        if back.lifecycle is not None:
            self._lifecycle(back.lifecycle)

    def _lifecycle(self, lifecycle: Lifecycle) -> None:
        found = self._target(lifecycle.property, lifecycle.place, provisioned=False)
        if found is None:
            return
        values = {value for value, _ in found.options}
        for stage, value in lifecycle.stages.items():
            if value not in values:
                self._unknown_stage(value, lifecycle.places.get(stage, lifecycle.place), found)

    def lead_status(self, prop: str) -> None:
        """What a notice sets it to: the CRM refuses other values than the property's options."""
        found = self._account.properties.get("contacts", {}).get(prop)
        if found is None or not found.options:
            return
        values = {value for value, _ in found.options}
        for name, notice in self._rules.workflow.notify.items():
            if notice.lead_status is not None and notice.lead_status not in values:
                self._unknown_status(name, notice.lead_status, notice.place, found)

    def fallbacks(self) -> None:
        """Whom the task of a contact goes to that belongs to nobody."""
        known = {address.lower() for address in self._account.owners.values()}
        for name, notice in self._rules.workflow.notify.items():
            address = notice.task.fallback if notice.task else None
            if known and address is not None and address.lower() not in known:
                self._unknown_owner(name, address, notice.place)

    def lists(self) -> None:
        for name, suppress in self._rules.workflow.suppress.items():
            for wanted in (suppress.leave_list, suppress.join_list):
                found = self._account.lists.get(wanted or "", "static")
                if wanted is not None and found != "static":
                    self._unusable_list(name, wanted, suppress.place, dynamic=found == "dynamic")

    def condition(self, condition: Condition) -> None:
        """What a list of the CRM is compared with: other values than its options match nobody."""
        for leaf in leaves(condition):
            if isinstance(leaf, DealIs):
                self.condition(leaf.item)
            elif isinstance(leaf, Test) and leaf.scope in ("contact", "deal") and leaf.op in ("is", "in"):
                self._compared(leaf)

    def _compared(self, test: Test) -> None:
        mapping = self._rules.mapping
        field = (mapping.deal_fields if test.scope == "deal" else mapping.fields)[test.name]
        found = self._account.properties.get(field.object, {}).get(field.property)
        if found is None or found.type != "enumeration" or not found.options or field.type == "bool":
            return
        # a value that the mapping lists is told there
        options = {fold(value) for value in (*(option for option, _ in found.options), *field.values)}
        several = found.field_type == "checkbox"  # the CRM joins those that are ticked by `;`
        for value in test.values:
            said = str(value)
            if not set(said.split(";") if several else [said]) <= options:
                self._unmatched(test, said, found)

    def _unmatched(self, test: Test, said: str, found: PropertyDef) -> None:
        near = close_labelled(said, found.options)
        self._mistakes.add(
            "unmatched-option",
            self._mark(test.place, test.name),
            f"{quoted(found.name)} has no option {quoted(said)} in the CRM",
            label=f"did you mean {quoted(near)}?" if near else "",
            why=f"its options are {listed([option for option, _ in found.options], 20)}; nobody can have "
            "another value.",
            fix=f"write {quoted(near)}." if near else "write one of these, or add the option in the CRM.",
            severity="note",
        )

    def _target(self, prop: str, place: Place, *, provisioned: bool) -> PropertyDef | None:
        """The contact property that is written to, if it is there and can be."""
        known = self._account.properties.get("contacts")
        found = known.get(prop) if known is not None else None
        if known is None:
            return None
        if found is None and provisioned and prop.startswith(OWN):
            self._unprovisioned(prop, "contacts", place)
        elif found is None and provisioned:  # perhaps meant, perhaps a slip: only ours are taken for granted
            fix = "correct the spelling; if this name is meant, `connector provision` makes the property."
            self._unknown(prop, "contacts", place, known, fix)
        elif found is None:
            self._unknown(prop, "contacts", place, known)
        elif found.read_only or found.calculated:
            self._mistakes.add(
                "read-only-property",
                self._mark(place, prop),
                f"{quoted(prop)} cannot be written",
                label="the CRM computes this one",
                why="the CRM marks it read-only and would refuse every update that carries it.",
                fix=f"write to a property of your own, such as `{OWN}score`.",
            )
            return None
        return found

    # -- what is told ---------------------------------------------------------------------------------

    def _absent(self, field: Field, known: Mapping[str, PropertyDef]) -> None:
        if field.provision:
            self._unprovisioned(field.property, field.object, field.place)
        elif field.optional:
            self._mistakes.add(
                "optional-property",
                self._mark(field.place, field.property),
                f"the CRM has no {_SINGULAR[field.object]} property {quoted(field.property)}",
                why=f"{quoted(field.name)} is optional; without the property it is unknown for everybody.",
                fix="nothing, or make the property in the CRM.",
                severity="note",
            )
        else:
            self._unknown(field.property, field.object, field.place, known)

    def _unknown(
        self,
        prop: str,
        object_: str,
        place: Place,
        known: Mapping[str, PropertyDef],
        fix: str = "correct the spelling, or make the property in the CRM, then check again.",
    ) -> None:
        near = close_labelled(prop, [(one.name, one.label) for one in known.values()])
        kind = _SINGULAR[object_]
        self._mistakes.add(
            "unknown-property",
            self._mark(place, prop),
            f"the CRM has no {kind} property {quoted(prop)}",
            label=f"did you mean {quoted(near)}?" if near else "",
            why=f"account {self._account.portal_id} has {len(known):,} {kind} properties, but not this one.",
            fix=fix,
        )

    def _unprovisioned(self, prop: str, object_: str, place: Place) -> None:
        self._mistakes.add(
            "unprovisioned",
            self._mark(place, prop),
            f"the CRM has no {_SINGULAR[object_]} property {quoted(prop)} yet",
            why="it is one of those that `connector provision` makes.",
            fix="run `connector provision` once.",
            severity="note",
        )

    def _wrong_type(self, field: Field, found: PropertyDef) -> None:
        ours = _FIELD_TYPES.get(found.type, "text")
        self._mistakes.add(
            "wrong-type",
            self._mark(field.place, field.property),
            f"{quoted(field.name)} is a {field.type}, but {quoted(field.property)} is a {ours} in the CRM",
            why=f"values that do not read as a {field.type} would be unknown, for everybody.",
            fix=f"write `type: {ours}`, or map another property.",
        )

    def _unwritable(
        self, word: str, prop: str, place: Place, found: PropertyDef, accepted: Iterable[str]
    ) -> None:
        types = " or ".join(_FIELD_TYPES.get(crm, crm) for crm in accepted)
        self._mistakes.add(
            "wrong-type",
            self._mark(place, prop),
            f"{quoted(word)} cannot be written to {quoted(prop)}, "
            f"which is a {_FIELD_TYPES.get(found.type, found.type)} in the CRM",
            why=f"{quoted(word)} needs a property of type {types}.",
            fix=f"write to a property of your own, such as `{OWN}{word}`.",
        )

    def _options(
        self, prop: str, expected: Iterable[str], place: Place, found: PropertyDef, *, ours: bool
    ) -> None:
        options = {fold(value) for value, _ in found.options}
        missing = [value for value in expected if fold(value) not in options]
        if missing:
            self._mistakes.add(
                "missing-option",
                self._mark(place, prop),
                f"{quoted(prop)} has no option {listed(map(quoted, missing))} in the CRM",
                why="nobody can have a value that is not among a property's options.",
                fix="run `connector provision`, which adds it."
                if ours
                else "add it to the property in the CRM (Settings > Properties), or delete it here.",
                severity="note",
            )

    def _unknown_stage(self, value: str, place: Place, found: PropertyDef) -> None:
        near = close_labelled(value, found.options)
        label = next((text for option, text in found.options if option == near), "")
        self._mistakes.add(
            "unknown-stage",
            self._mark(place, value),
            f"{quoted(value)} is not an option of {quoted(found.name)} in this account",
            label=f'did you mean {quoted(near)} (label "{label}")?' if near else "",
            why="the CRM takes an option's internal name, not its label or an abbreviation.",
            fix=f"use one of {listed([option for option, _ in found.options], 20)}.",
        )

    def _unknown_status(self, name: str, value: str, place: Place, found: PropertyDef) -> None:
        near = close_labelled(value, found.options)
        self._mistakes.add(
            "unknown-status",
            self._mark(place, name),
            f"{quoted(value)}, the lead status that {quoted(name)} sets, is not an option in this account",
            label=f"did you mean {quoted(near)}?" if near else "",
            why="the CRM takes an option's internal name, and refuses every other value.",
            fix=f"use one of {listed([option for option, _ in found.options], 20)}.",
        )

    def _unknown_owner(self, name: str, address: str, place: Place) -> None:
        self._mistakes.add(
            "unknown-owner",
            self._mark(place, name),
            f"nobody in this account has the address {quoted(address)}, which {quoted(name)} falls back to",
            why="tasks of contacts without an owner would belong to nobody in particular.",
            fix="write the address of a user of the CRM.",
            severity="note",
        )

    def _unusable_list(self, name: str, wanted: str, place: Place, *, dynamic: bool) -> None:
        self._mistakes.add(
            "unknown-list",
            self._mark(place, name),
            f"{quoted(wanted)} is a dynamic list: the CRM decides who is on it"
            if dynamic
            else f"the CRM has no list of contacts called {quoted(wanted)}",
            why="who is to leave or join it stays as they are: see `connector outbox`.",
            fix="name a static list."
            if dynamic
            else "make it in the CRM, as a static list, or write another name here.",
            severity="note",
        )

    def _mark(self, place: Place, word: str) -> Mark:
        """The word at its place, its quotes included."""
        lines = self._rules.lines.get(place.file, ())
        at = lines[place.line - 1][place.col - 1 :] if 0 < place.line <= len(lines) else ""
        return Mark(place, len(word) + 2 if at[:1] in ("'", '"') else len(word))


def _conditions(rules: Rules) -> Iterator[Condition]:
    for rule in rules.workflow.rules():
        if isinstance(rule, PropertyRule):
            yield rule.when
    yield from rules.workflow.criteria()


def _fits(ours: FieldType, found: PropertyDef) -> bool:
    if found.type in _READABLE[ours]:
        return True
    # the CRM keeps some yes/no properties as a list of true and false
    return ours == "bool" and {fold(value) for value, _ in found.options} == {"true", "false"}
