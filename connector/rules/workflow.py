"""workflows/*.yaml to WorkflowRules: points, temperatures, stages, and what a stage leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from connector.model import DAY, HOUR
from connector.rules import reading, scalars
from connector.rules.accounts import read_accounts
from connector.rules.business import read_calendars
from connector.rules.condition import Conditions
from connector.rules.hand_off import read_notify, read_suppress
from connector.rules.journey import Endings
from connector.rules.mapping import Names, readable, top_level
from connector.rules.method import read_methods
from connector.rules.nodes import Block, Entry, Hole, Items, Mistakes, Node, Scalar, quoted
from connector.rules.reading import Kind
from connector.rules.scoring import Scoring
from connector.rules.source import Section
from connector.rules.stages import distinct, read_stages
from connector.rules.tree import Band, MappingRules, Overrides, Total, WorkflowRules
from connector.rules.vocabulary import Vocabulary

HOLD = 90 * DAY
HORIZON = DAY  # what is older than that is recorded, and nobody is told
SHORTEST, LONGEST = HOUR, 30 * DAY  # of a horizon

_TOP = Kind(
    "workflows/",
    (
        *("version", "name", "define", "scores", "total", "accounts", "methods"),
        *("temperature", "stages", "overrides", "recycle", "disqualify"),
        *("calendar", "notify", "suppress", "alert_horizon"),
    ),
    ("name", "scores", "total", "temperature", "stages"),
    elsewhere=dict.fromkeys(
        ("crm", "timezone", "language", "contact", "deal", "signals", "bots", "write_back"),
        "a file of mappings/",
    ),
)
_TOTAL = Kind("`total`", ("of", "floor"), ("of",), {"axes": "of", "scores": "of", "min": "floor"})
_BAND = Kind("a band", ("band", "enter", "leave"), ("band",), {"id": "band", "name": "band"})
_OVERRIDES = Kind("`overrides`", ("sales_wins", "hold"))


def names(section: Section) -> Names:
    """The ids of axes and stages, read ahead of everything and without a word about mistakes."""
    scores, stages = section.get("scores"), section.get("stages")
    axes = tuple(entry.key.text for entry in scores.entries) if isinstance(scores, Block) else None
    found = None
    if isinstance(stages, Items):
        ids = [item.get("id") for item in stages.items if isinstance(item, Block)]
        holes = any(not isinstance(one, Scalar) for one in ids) or len(ids) < len(stages.items)
        found = None if holes else tuple(one.text for one in ids if isinstance(one, Scalar))
    return Names(axes, found)


def read(section: Section, known: Vocabulary, meanings: MappingRules, mistakes: Mistakes) -> WorkflowRules:
    """All of workflows/. What could not be read is missing from it, and told in `mistakes`.

    :param known: the names of mappings/, of axes and of stages
    """
    top = top_level(section, _TOP, mistakes)
    name = reading.text(top["name"], "`name`", mistakes) if "name" in top else None
    accounts = read_accounts(top["accounts"], known.axes, mistakes) if "accounts" in top else ()
    known = _with_names(_with_methods(known, meanings, section, top, mistakes), section, top)
    conditions = Conditions(known, mistakes, _defined(top.get("define"), mistakes))
    scoring = Scoring(known, meanings.signals, conditions, mistakes)
    endings = Endings(known, conditions, mistakes)
    made = WorkflowRules(
        name=name or "",
        axes=scoring.axes(top["scores"]) if "scores" in top else (),
        total=_total(top.get("total"), known.axes, mistakes),
        bands=_bands(top["temperature"], mistakes) if "temperature" in top else (),
        stages=read_stages(top["stages"], known, conditions, mistakes) if "stages" in top else (),
        overrides=_overrides(top.get("overrides"), mistakes),
        accounts=accounts,
        methods={name: fields for name, fields in (known.methods or {}).items() if fields is not None},
        recycle=endings.recycle(top["recycle"], top.get("scores")) if "recycle" in top else (),
        disqualify=endings.disqualify(top["disqualify"]) if "disqualify" in top else (),
        calendars=read_calendars(top["calendar"], mistakes) if "calendar" in top else {},
        notify=read_notify(top["notify"], mistakes) if "notify" in top else {},
        suppress=read_suppress(top["suppress"], mistakes) if "suppress" in top else {},
        alert_horizon=_horizon(top.get("alert_horizon"), mistakes),
    )
    conditions.read_defined()
    return made


def _with_methods(
    known: Vocabulary, meanings: MappingRules, section: Section, top: Mapping[str, Node], mistakes: Mistakes
) -> Vocabulary:
    node = top.get("methods")
    fields = meanings.fields if known.fields is not None else None
    methods = read_methods(node, fields, mistakes) if node is not None else {}
    return replace(known, methods=methods if readable(section, node, _TOP) else None)


def _with_names(known: Vocabulary, section: Section, top: Mapping[str, Node]) -> Vocabulary:
    """What could not be read in full is known by its name all the same."""

    def named(key: str) -> tuple[str, ...] | None:
        node = top.get(key)
        if not readable(section, node, _TOP):
            return None
        return tuple(entry.key.text for entry in node.entries) if isinstance(node, Block) else ()

    return replace(
        known,
        accounts=named("accounts"),
        notices=named("notify"),
        suppressions=named("suppress"),
        calendars=named("calendar"),
    )


def _defined(node: Node | None, mistakes: Mistakes) -> tuple[Entry, ...]:
    if node is None or isinstance(node, Hole):
        return ()
    found = reading.block(node, "`define`", mistakes, "icp: {persona: {is: decision_maker}}")
    entries = found.entries if found else ()
    for entry in entries:
        reading.name(entry.key, "the name of a condition", mistakes)
    return entries


def _total(node: Node | None, axes: tuple[str, ...] | None, mistakes: Mistakes) -> Total:
    said = reading.keys(node, _TOTAL, mistakes, "total: {of: [fit, engagement]}") if node else None
    if not said or node is None:
        return Total((), scalars.NOWHERE)
    nodes = reading.one_or_more(said["of"], "`of`", mistakes) if "of" in said else None
    known = axes or ()
    of = reading.each(
        nodes if axes is not None else (),
        lambda one: reading.option(one, "one of the scores", known, mistakes, "unknown-axis"),
    )
    distinct(nodes or (), "score", mistakes)
    floor = scalars.thousandths(said["floor"], "`floor`", mistakes) if "floor" in said else None
    return Total(tuple(dict.fromkeys(of)), node.place, floor)


# -- temperature --------------------------------------------------------------------------------------


def _bands(node: Node, mistakes: Mistakes) -> tuple[Band, ...]:
    nodes = reading.items(node, "`temperature`", mistakes, "- {band: hot, enter: 100, leave: 85}")
    blocks = [(one, said) for one in nodes or () if (said := reading.keys(one, _BAND, mistakes)) is not None]
    distinct((said["band"] for _, said in blocks if "band" in said), "band", mistakes)
    made: list[Band] = []
    for index, (one, said) in enumerate(blocks):
        last = nodes is not None and one is nodes[-1]
        band = _band(one, said, last, mistakes)
        if band is None:
            continue
        if made and not last:
            _lower(band, made[-1], blocks[index][1], mistakes)
        made.append(band)
    return tuple(made)


def _band(node: Node, said: Mapping[str, Node], last: bool, mistakes: Mistakes) -> Band | None:
    name = reading.name(said["band"], "a band's name", mistakes) if "band" in said else None
    enter, leave = (_threshold(said, key, mistakes) for key in ("enter", "leave"))
    for key in ("enter", "leave"):
        if last and key in said:
            mistakes.add(
                "last-band",
                said[key],
                f"the last band has no {quoted(key)}",
                why="it holds everybody whom the bands above it do not, so that all have a temperature.",
                fix=f"delete {quoted(key)} here, or add a last line such as `- {{band: cold}}`.",
            )
        elif not last and key not in said:
            reading.missing_key(node, key, "a band above the last", mistakes, f"{key}: 30")
    if enter is not None and leave is not None and leave > enter:
        mistakes.add(
            "leave-above-enter",
            said["leave"],
            f"{quoted('leave')} is higher than {quoted('enter')}",
            why="a contact would leave the band in the moment of entering it, at every run.",
            fix=f"write a number of at most {enter} here.",
        )
    return Band(name, node.place, enter, leave) if name else None


def _threshold(said: Mapping[str, Node], key: str, mistakes: Mistakes) -> int | None:
    most = scalars.MOST_TOTAL
    return scalars.whole(said[key], quoted(key), mistakes, -most, most) if key in said else None


def _lower(band: Band, above: Band, said: Mapping[str, Node], mistakes: Mistakes) -> None:
    for key, here, over in (("enter", band.enter, above.enter), ("leave", band.leave, above.leave)):
        if here is None or over is None or here < over or (key == "leave" and here == over):
            continue
        mistakes.add(
            "bands-out-of-order",
            said[key],
            f"{quoted(band.name)} has a higher {quoted(key)} than {quoted(above.name)} above it"
            if here > over
            else f"{quoted(band.name)} has the same {quoted(key)} as {quoted(above.name)} above it",
            why="bands are read from the hottest down; nobody would ever be in this one.",
            fix=f"order the bands from hot to cold, or write a number under {over} here.",
        )
        return


# -- people and time ---------------------------------------------------------------------------------


def _overrides(node: Node | None, mistakes: Mistakes) -> Overrides:
    said = (reading.keys(node, _OVERRIDES, mistakes) if node is not None else None) or {}
    wins = scalars.flag(said["sales_wins"], "`sales_wins`", mistakes) if "sales_wins" in said else True
    hold = scalars.duration(said["hold"], "`hold`", mistakes, zero=True) if "hold" in said else HOLD
    return Overrides(wins if wins is not None else True, hold if hold is not None else HOLD)


def _horizon(node: Node | None, mistakes: Mistakes) -> int:
    lasting = scalars.duration(node, "`alert_horizon`", mistakes) if node is not None else HORIZON
    if lasting is None or node is None or SHORTEST <= lasting <= LONGEST:
        return lasting if lasting is not None else HORIZON
    mistakes.add(
        "out-of-range",
        node,
        f"`alert_horizon` lasts between {SHORTEST // HOUR} hour and {LONGEST // DAY} days",
        why="under an hour a run that comes late tells nobody; over a month the first run tells "
        "of everybody.",
        fix="write a duration such as `24h`.",
    )
    return HORIZON
