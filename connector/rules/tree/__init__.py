"""The rules as frozen nouns: what the files say once they are read and checked.

Values are already what they are compared with: text is folded, numbers are floats, dates and durations
are milliseconds, points are thousandths. Every node knows its place in the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.rules.tree.conditions import (
    All,
    AnyOf,
    AnySignal,
    Condition,
    DealIs,
    FieldType,
    Leaf,
    MethodMet,
    Not,
    Op,
    Reached,
    SalesSet,
    Scope,
    Test,
    Value,
    Without,
    leaves,
)
from connector.rules.tree.mapping import (
    BOT,
    READING,
    REASONS,
    Bots,
    EventSource,
    Field,
    Lifecycle,
    MappingRules,
    SignalKind,
    WriteBack,
)
from connector.rules.tree.points import (
    AccountScore,
    Axis,
    Decay,
    Group,
    HalfLife,
    PropertyRule,
    Rule,
    SignalRule,
    Total,
)
from connector.rules.tree.stages import (
    Band,
    Calendar,
    Disqualify,
    Notify,
    Overrides,
    Recycle,
    Sla,
    StageRule,
    Suppress,
    TaskNotice,
    WebhookNotice,
)
from connector.rules.tree.workflow import WorkflowRules

__all__ = [
    "BOT",
    "READING",
    "REASONS",
    "AccountScore",
    "All",
    "AnyOf",
    "AnySignal",
    "Axis",
    "Band",
    "Bots",
    "Calendar",
    "Condition",
    "DealIs",
    "Decay",
    "Disqualify",
    "EventSource",
    "Field",
    "FieldType",
    "Group",
    "HalfLife",
    "Leaf",
    "Lifecycle",
    "MappingRules",
    "MethodMet",
    "Not",
    "Notify",
    "Op",
    "Overrides",
    "PropertyRule",
    "Reached",
    "Recycle",
    "Rule",
    "Rules",
    "SalesSet",
    "Scope",
    "SignalKind",
    "SignalRule",
    "Sla",
    "StageRule",
    "Suppress",
    "TaskNotice",
    "Test",
    "Total",
    "Value",
    "WebhookNotice",
    "Without",
    "WorkflowRules",
    "WriteBack",
    "leaves",
]


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything the files say. `hash` changes when any of them does (12 hex digits)."""

    mapping: MappingRules
    workflow: WorkflowRules
    hash: str
    files: tuple[str, ...]
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the files' text, to show a place
