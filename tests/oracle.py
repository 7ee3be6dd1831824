"""What a score is, said as plainly as possible: the semantics of QUALIFICATION.md 2.3 to 2.5 and 3.1.

Slow and obvious on purpose, and knows nothing of the product: the rules are dicts and tuples, points are
thousandths as fractions, times are integers. The product's SQL must agree with it, always.

rules     {"axes": [{"id", "floor", "ceiling", "groups": [{"cap", "decay", "rules": [rule]}]}],
           "total": {"of": [axis id], "floor"}, "criteria": [condition],
           "accounts": {axis id: {"top", "cap"}}}
rule      {"points", "when": condition}
          or {"points", "signal", "at_most", "per", "once_per", "cap"}  (what is not said is None)
decay     {"after", "to": [percent], "every"} or {"half_life"}
condition ("all", [..]) ("any", [..]) ("not", c) ("deal", c) ("any_signal", [kind]) ("without", [kind], for)
          ("method", [field], at least, fresh or None) ("test", scope, name, op, [value])
person    {"fields": {name: value}, "since": {name: time}, "deals": [{name: value}], "signals": [signal],
           "epoch": time or None, "colleagues": [person], those of one's company and oneself}
signal    {"id", "kind", "at", "day", "email", "form", "rejected"}

A person without a company has no "colleagues".
"""

from __future__ import annotations

from fractions import Fraction
from math import floor

DAY = 86_400_000


def score(rules: dict, person: dict, as_of: int) -> dict:
    """Parts, groups and axes in exact thousandths, the total before rounding, the points, the criteria."""
    parts, groups, axes, lines = [], [], {}, []
    for axis in rules["axes"]:
        found = on_axis(rules, axis, person, as_of)
        lines += [(len(parts) + n, *line) for n, line in found["lines"]]
        parts += found["parts"]
        groups += found["groups"]
        axes[axis["id"]] = found["points"]
    total = sum((axes[name] for name in rules["total"]["of"]), Fraction(0))
    total = bounded(total, rules["total"].get("floor"), None)
    scores = {name: points / 1000 for name, points in axes.items()} | {"total": rounded(total / 1000)}
    criteria = [holds(one, person, as_of, rules, scores) for one in rules["criteria"]]
    return {
        "parts": parts,
        "groups": groups,
        "axes": list(axes.values()),
        "total": total,
        "points": scores["total"],
        "criteria": criteria,
        "lines": lines,
    }


def on_axis(rules: dict, axis: dict, person: dict, as_of: int) -> dict:
    parts, groups, lines = [], [], []
    for group in axis["groups"]:
        in_group = Fraction(0)
        for rule in group["rules"]:
            if "when" in rule:
                part = Fraction(rule["points"] if holds(rule["when"], person, as_of, rules) else 0)
            else:
                found = signal_lines(rule, group.get("decay"), person, as_of)
                lines += [(len(parts), line) for line in found]
                part = at_most(sum((line[-1] for line in found), Fraction(0)), rule.get("cap"))
            parts.append(part)
            in_group += part
        groups.append(bounded(in_group, None, group.get("cap")))
    points = bounded(sum(groups), axis.get("floor"), axis.get("ceiling"))
    return {"parts": parts, "groups": groups, "lines": lines, "points": points}


def of_account(rules: dict, name: str, person: dict, as_of: int) -> Fraction | None:
    """The highest few of the company's people together, in points; None without a company."""
    if person.get("colleagues") is None:
        return None
    axis = next(axis for axis in rules["axes"] if axis["id"] == name)
    each = [on_axis(rules, axis, one, as_of)["points"] for one in person["colleagues"]]
    highest = sorted(each, reverse=True)[: rules["accounts"][name]["top"]]
    return bounded(sum(highest), None, rules["accounts"][name].get("cap")) / 1000


def bounded(points: Fraction, low: int | None, high: int | None) -> Fraction:
    if low is not None and points < low:
        return Fraction(low)
    if high is not None and points > high:
        return Fraction(high)
    return points


def at_most(points: Fraction, cap: int | None) -> Fraction:
    """A rule gives no more than its cap, and takes no more."""
    return points if cap is None else bounded(points, -cap, cap)


def rounded(points: Fraction) -> int:
    """Half away from zero."""
    return floor(points + Fraction(1, 2)) if points >= 0 else -floor(-points + Fraction(1, 2))


# -- signals ------------------------------------------------------------------------------------------


def signal_lines(rule: dict, decay: dict | None, person: dict, as_of: int) -> list[tuple]:
    """(signal id, at, why it does not count or None, number among those that do, percent, points), newest
    first."""
    seen, counted, lines = set(), 0, []
    for signal in sorted(accepted(person, as_of), key=lambda s: (-s["at"], s["id"])):
        age = as_of - signal["at"]
        if signal["kind"] != rule["signal"] or not (rule.get("per") is None or 0 <= age < rule["per"]):
            continue
        percent = remaining(decay, age)
        key = signal[rule["once_per"]] if rule.get("once_per") else None
        why_not, nth, points = None, None, Fraction(0)
        if key is not None and key in seen:
            why_not = "once_per"
        elif rule.get("at_most") is not None and counted >= rule["at_most"]:
            why_not = "at_most"
        else:
            counted += 1
            nth, points = counted, Fraction(rule["points"] * percent, 100)
        if key is not None:
            seen.add(key)
        lines.append((signal["id"], signal["at"], why_not, nth, percent, points))
    return lines


def accepted(person: dict, as_of: int) -> list[dict]:
    epoch = person.get("epoch")
    return [
        signal
        for signal in person["signals"]
        if signal["at"] <= as_of and signal["rejected"] is None and (epoch is None or signal["at"] > epoch)
    ]


def remaining(decay: dict | None, age: int) -> int:
    """100 % for `after`, then each percentage of `to` for `every`, the last for good."""
    if decay is None:
        return 100
    if "half_life" in decay:
        return halved(Fraction(age // DAY * DAY, decay["half_life"]))
    if age < decay["after"]:
        return 100
    step = (age - decay["after"]) // decay["every"]
    return decay["to"][min(step, len(decay["to"]) - 1)]


def halved(times: Fraction) -> int:
    """100 / 2 ** times to whole per cents, half up: p is the largest with p - 1/2 <= 100 / 2 ** times, which
    whole numbers can tell: (2p - 1) ** d * 2 ** n <= 200 ** d where times is n / d."""
    n, d = times.numerator, times.denominator
    return max(p for p in range(101) if p == 0 or (2 * p - 1) ** d * 2**n <= 200**d)


# -- conditions ---------------------------------------------------------------------------------------


def holds(condition: tuple, person: dict, as_of: int, rules: dict, scores: dict | None = None) -> bool:
    match condition:
        case ("all", items):
            return all(holds(item, person, as_of, rules, scores) for item in items)
        case ("any", items):
            return any(holds(item, person, as_of, rules, scores) for item in items)
        case ("not", item):
            return not holds(item, person, as_of, rules, scores)
        case ("deal", item):
            return any(holds(item, {"fields": deal}, as_of, rules) for deal in person["deals"])
        case ("any_signal", kinds):
            return any(signal["kind"] in kinds for signal in accepted(person, as_of))
        case ("without", kinds, lasting):
            ages = [as_of - signal["at"] for signal in accepted(person, as_of) if signal["kind"] in kinds]
            return all(age >= lasting for age in ages)
        case ("method", fields, least, fresh):
            return sum(evident(person, name, as_of, fresh) for name in fields) >= least
        case ("test", "score", name, op, values):
            return compares(op, scores[name], [Fraction(str(value)) for value in values], as_of)
        case ("test", "account", name, op, values):
            points = of_account(rules, name, person, as_of)
            return compares(op, points, [Fraction(str(value)) for value in values], as_of)
        case ("test", _, name, op, values):
            return compares(op, person["fields"].get(name), values, as_of)
    raise ValueError(condition)


def evident(person: dict, name: str, as_of: int, fresh: int | None) -> bool:
    """Known, not false, and said less than `fresh` ago."""
    value = person["fields"].get(name)
    if value is None or value is False:
        return False
    since = person["since"].get(name)
    return fresh is None or (since is not None and 0 <= as_of - since < fresh)


def compares(op: str, value: object, values: list, as_of: int) -> bool:
    if value is None:
        return op == "unknown"
    match op:
        case "known":
            return True
        case "unknown":
            return False
        case "is" | "in":
            return value in values
        case "matches":
            return any(glob(value, pattern) for pattern in values)
        case "between":
            return values[0] <= value <= values[1]
        case "at_least":
            return value >= values[0]
        case "above":
            return value > values[0]
        case "below":
            return value < values[0]
        case "within":
            return 0 <= as_of - value < values[0]
        case "within_next":
            return 0 <= value - as_of < values[0]
    raise ValueError(op)


def glob(value: str, pattern: str) -> bool:
    """The whole value; `*` stands for any text, every other character for itself."""
    first, *rest = pattern.split("*")
    if not rest:
        return value == pattern
    *middle, last = rest
    if not (value.startswith(first) and value.endswith(last)) or len(value) < len(first) + len(last):
        return False
    at, end = len(first), len(value) - len(last)
    for piece in middle:
        found = value.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
