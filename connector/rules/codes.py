"""Every code that a mistake in the rules can have, with one sentence. Codes are permanent: a mistake keeps
its code when its words change. Each has a case in tests/rules/cases/, with an example and its message.
"""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    # files
    "missing-folder": "A folder of rules is not there, or holds no file.",
    "unreadable-file": "A file cannot be opened, is not text in UTF-8, or is far too large to be rules.",
    "empty-file": "A file says nothing.",
    "broken-yaml": "A file stops making sense: a bracket, a quote or the indentation is wrong.",
    "second-document": "`---` begins a second document in a file.",
    "yaml-alias": "YAML's anchors and aliases are not used here; a pattern that begins with * needs quotes.",
    "yaml-tag": "YAML's tags are not used here.",
    "unknown-version": "A file says a version that we do not know.",
    # shapes
    "duplicate-key": "A key is written twice.",
    "unknown-key": "A key that nobody reads.",
    "missing-key": "A key that must be there is not.",
    "misplaced-key": "A key that means nothing where it stands.",
    "missing-value": "Nothing stands behind a key.",
    "wrong-shape": "A value, a list or a block stands where another of these belongs.",
    "empty-list": "A list or block has nothing in it.",
    "too-deep": "Too much stands within each other.",
    "too-long": "A text or a list is too long.",
    # values
    "not-a-number": "A number was expected.",
    "not-a-percentage": "A percentage was expected.",
    "not-true-or-false": "`true` or `false` was expected.",
    "not-a-duration": "A duration such as `30d` was expected.",
    "missing-unit": "A duration has no unit.",
    "not-a-date": "A date such as `2026-10-01` was expected.",
    "out-of-range": "A number is too high, too low or too exact.",
    "unknown-value": "A word is not among those that are possible here.",
    # names
    "unusable-name": "A name has characters that names cannot have.",
    "reserved-name": "A name is taken: it already means something in a condition.",
    "duplicate-id": "Two rules, stages, bands or scores have the same name.",
    "unknown-timezone": "A time zone that does not exist.",
    "unknown-type": "A field type that does not exist.",
    "unknown-event": "An event that we do not pull.",
    "unknown-attribute": "An event is asked for something that it does not have.",
    "unknown-reason": "A reason to reject an event that does not exist.",
    "unknown-field": "A condition asks for a field that no mapping names.",
    "unknown-signal": "A signal that no mapping makes.",
    "unknown-stage": "A stage that does not exist.",
    "unknown-axis": "A score that does not exist.",
    "unknown-account": "A condition asks for points of an account that `accounts` does not add up.",
    "unknown-method": "A method that `methods` does not list.",
    "unknown-condition": "A named condition that is not defined.",
    "unknown-word": "Something is to be written back that we do not have.",
    "unknown-option": "A choice is compared with a value that it can never have.",
    # conditions
    "missing-operator": "A condition does not say how it compares.",
    "unknown-operator": "A comparison that does not exist.",
    "wrong-operator": "A comparison that does not fit the type of the field.",
    "two-conditions": "Two conditions stand side by side without `all` or `any`.",
    "double-negative": "`known: false` and `unknown: false` are read the wrong way round.",
    "range-backwards": "The low end of a range is higher than the high end.",
    "misplaced-condition": "Something is asked where it cannot be known.",
    "circular-use": "A named condition is defined by itself.",
    "wrong-count": "A condition says another number of fields than the method has.",
    "repeated-field": "A method lists a field twice.",
    # scores, temperatures, stages
    "unclear-rule": "A rule has none of `when`, `signal` and `without`, or more than one.",
    "uncountable": "`once_per` counts something that the signal's events do not have.",
    "decay-rises": "A decay that gives back points with age.",
    "floor-above-ceiling": "A floor is higher than its ceiling.",
    "bands-out-of-order": "Temperatures are not ordered from hot to cold.",
    "leave-above-enter": "A temperature is left above the points that enter it.",
    "last-band": "The last temperature has a threshold.",
    "first-stage": "The first stage has a condition.",
    "later-stage": "A stage asks for one that comes after it.",
    # what we write
    "shared-target": "Two things are written to one property.",
    # against the account (`connector check --crm`)
    "unknown-property": "The CRM has no such property.",
    "unprovisioned": "A property that `connector provision` makes is not there yet (a note).",
    "optional-property": "An optional property is not there (a note).",
    "wrong-type": "A property has another type in the CRM than the mapping says or needs.",
    "read-only-property": "A property that the CRM computes cannot be written.",
    "changeable-key": "The key of a contact is a property that people can change.",
    "missing-option": "A choice lacks an option in the CRM (a note).",
    "unmatched-option": "A condition compares with a value that is no option in the CRM (a note).",
}
