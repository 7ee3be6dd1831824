"""Requests that are nearly right, grown from the routes: paths from the path map, parameters from the route,
bodies from what the account's refusals say is missing or unknown. Hardly anything here knows an endpoint by
its name, so that a new one is fuzzed from the day it is added.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from fuzz_words import COMMON, GROUPS, JUNK, KEYS, MADE, NAMES, OPERATORS, VALUES, WORDS
from small_account import ACME, BOB, DEAL, JANE, NOW, OWNER, ZOE

from connector.sandbox import kinds, paths
from connector.sandbox.desk import Answer, Request
from connector.sandbox.services import ROUTES
from connector.sandbox.state.links import DEFAULT
from connector.sandbox.wire import Route

Json = Any


class Grammar:
    """One stream of requests; the same seed gives the same stream for the same answers.

    `own`: right values by name (the OAuth app's). What the account says is missing, unknown or of another
    shape is kept for each route, as is what it took.
    """

    def __init__(self, seed: int, own: dict[str, str]) -> None:
        self.rng = Random(seed)
        self.own = own
        self.ids = {
            "contacts": [str(JANE), str(BOB), str(ZOE)],
            "companies": [str(ACME)],
            "deals": [str(DEAL)],
        }
        self.lists = ["1", "2"]
        self._needs: dict[Route, set[str]] = defaultdict(set)
        self._odd: dict[Route, set[str]] = defaultdict(set)
        self._taken: dict[Route, set[str]] = defaultdict(lambda: set(COMMON))
        self._absent: dict[Route, int] = defaultdict(int)  # how often nothing of it was known
        self._lists: dict[Route, int] = defaultdict(
            int
        )  # how often a list was taken, less how often it was not

    def request(self, token: str) -> tuple[Route, Request]:
        """A request for any route: half of them as right as is known, the others spoilt somewhere."""
        rng = self.rng
        route = self._route()
        right = rng.random() < 0.5
        path, about = self._path(route, right)
        body: Json = self._body(route, about) if route.method in ("POST", "PUT", "PATCH") else None
        if not right and body is not None and rng.random() < 0.6:
            body = self.spoilt(body)
        form = route.public and isinstance(body, dict) and rng.random() < 0.9
        if form:
            raw = urlencode({name: value for name, value in body.items() if isinstance(value, str)}).encode()
        else:
            raw = b"" if body is None else json.dumps(body).encode()
        if not right and rng.random() < 0.1:
            raw = raw[: rng.randrange(len(raw) + 1)] + rng.randbytes(rng.randrange(3))
        headers = {"authorization": f"Bearer {token}"}
        headers["content-type"] = "application/x-www-form-urlencoded" if form else "application/json"
        if not right and rng.random() < 0.03:
            headers[rng.choice(["authorization", "content-type"])] = rng.choice(
                ["", "Bearer", "x", "Bearer é"]
            )
        return route, Request(route.method, path, self._query(route, right), headers, raw)

    def _route(self) -> Route:
        """Any; less often those that take things away, and hardly those that are not imitated at all."""
        for _ in range(3):
            route = self.rng.choice(ROUTES)
            takes = route.method == "DELETE" or re.search(r"archive|gdpr|merge$|remove", route.path)
            if self.rng.random() > (0.95 if self._absent[route] > 3 else 0.6 if takes else 0.0):
                break
        return route

    def learn(self, route: Route, request: Request, answer: Answer) -> None:
        """What a refusal says is missing or unknown, what was taken, and the ids of what was made."""
        text = answer.raw.decode(errors="replace")
        if found := re.search(r"required fields were not set: \[([^\]]*)\]", text):
            self._needs[route].update(name.strip() for name in found[1].split(","))
        if found := re.search(r'body key (.*?) of |Unrecognized field ."([^"]*)', text):
            self._odd[route].update(name.strip(' "\\') for name in (found[1] or found[2] or "").split(","))
        if answer.status == 501 and not re.search(r"body key|parameter|object type|this path", text):
            self._absent[route] += 1
        listed = request.raw.startswith(b"[")
        if answer.status < 300:
            self._lists[route] += 1 if listed else -1
            self._taken[route].update(key for key in KEYS if f'"{key}"'.encode() in request.raw)
            self._remember(request.path, text)
        elif "Cannot deserialize value of type" in text:
            self._lists[route] -= 1 if listed else -1

    def _remember(self, path: str, text: str) -> None:
        found = re.search(r"/objects/(?:[\d-]{7}/)?([\w-]+)", path)
        kind = kinds.find(found[1]) if found else None
        if kind is not None:
            known = self.ids.setdefault(kind.plural, [])
            known += [id for id in re.findall(r'"id":"(\d{11})"', text) if id not in known]
            del known[: -40 or None]
        self.lists = list(dict.fromkeys([*self.lists, *re.findall(r'"listId":"(\d+)"', text)]))[-20:]

    # -- parts ---------------------------------------------------------------------------------------------

    def id(self, kind: str = "") -> str:
        """An id of that kind, mostly; of any kind where there is none."""
        own = self.ids.get(kind)
        if own and self.rng.random() < 0.9:
            return self.rng.choice(own)
        return self.rng.choice([id for ids in self.ids.values() for id in ids])

    def _path(self, route: Route, right: bool) -> tuple[str, list[str]]:
        """The path, and the object types that it names."""
        rng = self.rng
        prefixes = [one for one in (*paths.UNDATED, *paths.DATED) if route.path.startswith(one[0])]
        canonical, shape, versions = rng.choice(prefixes)
        served = tuple(route.versions.split()) or tuple(sorted(versions))
        if "association" not in route.path:
            served = tuple(one for one in served if one != "v4") or served
        path = shape.replace("{v}", rng.choice(served)) + route.path.removeprefix(canonical)
        about: list[str] = []
        for name in re.findall(r"\{(\w+)\}", path):
            part = self._part(route, name, about[-1] if about else "", right)
            if name in ("kind", "from", "to") and (found := kinds.find(part)):
                about.append(found.plural)
            path = path.replace(f"{{{name}}}", quote(part, safe=""), 1)
        return path + ("/" if rng.random() < 0.05 else ""), about

    def _part(self, route: Route, name: str, about: str, right: bool) -> str:
        rng = self.rng
        if not right and rng.random() < 0.2:
            return rng.choice(WORDS)[:300] or "x"
        if name in ("kind", "from", "to"):
            if "pipelines" in route.path:
                return "deals"
            busy = [
                kinds.KINDS[plural] for plural in ("contacts", "contacts", "contacts", "companies", "deals")
            ]
            kind = rng.choice([*kinds.KINDS.values(), *busy])
            shown = [kind.plural, kind.plural, kind.singular, kind.type_id]
            return rng.choice(shown) if right or rng.random() < 0.9 else "tickets"
        if name == "name" and "groups" in route.path:
            return rng.choice(["contactinformation", *GROUPS])
        own = {"guid": "form-1", "stage": "closedwon", "type_id": rng.choice(["279", "1", "100"])}
        own |= {
            "name": rng.choice([*NAMES, *MADE, "Newsletter"]),
            "source": rng.choice(self.lists),
            **self.own,
        }
        if name in own:
            return own[name]
        if route.path.startswith("/crm/lists/{id}"):
            return rng.choice(self.lists)
        if route.path.startswith(("/crm/pipelines", "/crm/owners")):
            return "default" if "pipelines" in route.path else str(OWNER)
        return self.id(about)

    def _query(self, route: Route, right: bool) -> str:
        rng = self.rng
        given = {}
        for name in sorted(route.query):
            if rng.random() < (0.02 if route.public else 0.3):
                given[name.replace("*", "hs_url")] = self._parameter(name) if right else rng.choice(WORDS)
        if not right and rng.random() < 0.03:
            given["colour"] = "1"
        text = urlencode(given)
        return (
            text if right or rng.random() < 0.9 else text + rng.choice(["&", "&&=", "%", "&%ff=%00", "&=&"])
        )

    def _parameter(self, name: str) -> str:
        rng = self.rng
        own = {
            "limit": str(rng.randrange(1, 51)),
            "after": rng.choice(["", "1", self.id()]),
            "archived": rng.choice(["true", "false"]),
            "properties": ",".join(rng.sample(NAMES, 3)),
            "propertiesWithHistory": rng.choice(NAMES),
            "associations": rng.choice(["companies", "contacts,deals", "notes"]),
            "idProperty": rng.choice(["email", "hs_object_id", "own_key"]),
            "eventType": rng.choice(["e_visited_page", "OPEN", "CLICK"]),
            "objectType": "contact",
            "objectId": self.id("contacts"),
            "sort": rng.choice(["occurredAt", "-occurredAt"]),
        }
        return own.get(name) or rng.choice(WORDS)

    def _body(self, route: Route, about: list[str]) -> Json:
        rng = self.rng
        if route.public:
            names = [name for name in sorted(route.query) if rng.random() < 0.8]
            return {name: self.own.get(name) or rng.choice(WORDS) for name in names}
        if route.method == "PUT" and rng.random() < (
            0.9 if self._lists[route] > 0 else 0.1 + 0.4 * (not self._lists[route])
        ):
            return rng.choice([self.some("contacts"), self._types(about), self._types(about)])
        return self._object(route, about or ["contacts"], depth=0)

    def _object(self, route: Route, about: list[str], depth: int) -> dict[str, Json]:
        """An object with what is needed, some of what was taken before, and now and then something to try."""
        rng = self.rng
        batch = "batch" in route.path
        wanted = {"inputs"} if batch and depth == 0 else set(self._needs[route])
        wanted |= {name for name in sorted(self._taken[route]) if rng.random() < 0.5}
        if "{from}" in route.path and depth:
            wanted |= {"from", "to", "types", "id"}
        elif not batch or depth:
            often = 0.9 if route.path.startswith("/crm/objects") else 0.2
            wanted |= {name for name in ("properties", "id") if rng.random() < often}
        if rng.random() < 0.1:
            wanted.add(rng.choice(KEYS))
        wanted -= self._odd[route] - self._needs[route] if rng.random() < 0.97 else set()
        if depth:
            wanted.discard("inputs")
        made = {name: self._value(route, about, name, depth) for name in sorted(wanted)}
        if made.get("idProperty") == "email" and "id" in made:
            made["id"] = f"p{rng.randrange(60)}@x.fr"
        return made

    def _value(self, route: Route, about: list[str], name: str, depth: int) -> Json:
        rng, kind = self.rng, about[-1]
        listed = ("archive" in route.path) == (rng.random() < 0.95)
        if name == "inputs":
            return [
                self._object(route, about, 1)
                for _ in range(rng.choice([1, 2, 3, 101 if rng.random() < 0.05 else 1]))
            ]
        if name == "properties":
            named = depth or not route.path.endswith(("search", "read"))
            return self._values(kind) if named else rng.sample(NAMES, 2)
        makers: dict[str, Any] = {
            "filterGroups": lambda: [{"filters": self._filters()} for _ in range(rng.choice([1, 1, 2, 6]))],
            "filters": self._filters,
            "sorts": lambda: [
                {"propertyName": rng.choice(NAMES), "direction": rng.choice(["ASCENDING", "DESCENDING"])}
            ],
            "id": lambda: self.id(about[0]),
            "from": lambda: {"id": self.id(about[0])},
            "to": lambda: [{"id": self.id(kind)}] if listed else {"id": self.id(kind)},
            "types": lambda: self._types(about),
            "associations": lambda: [{"to": {"id": self.id()}, "types": self._types([])}],
            "options": lambda: [
                {"label": "A", "value": v, "displayOrder": 0, "hidden": False} for v in ("a", "b")
            ],
            "idProperty": lambda: rng.choice(["email", "own_key", "hs_object_id", None]),
            "objectWriteTraceId": lambda: f"t{rng.randrange(10**6)}",
            "limit": lambda: rng.randrange(1, 200),
            "after": lambda: rng.choice(["0", 1, "100", "9990"]),
            "name": lambda: rng.choice([*MADE, *GROUPS, f"made_{rng.randrange(40)}"]),
            "label": lambda: rng.choice(["Clé", "b"]),
            "type": lambda: rng.choice(["string", "number", "enumeration", "date", "bool", "datetime"]),
            "fieldType": lambda: rng.choice(
                ["text", "number", "select", "date", "booleancheckbox", "checkbox"]
            ),
            "groupName": lambda: {"companies": "companyinformation", "deals": "dealinformation"}.get(
                kind, "contactinformation"
            ),
            "hasUniqueValue": lambda: rng.random() < 0.3,
            "processingType": lambda: rng.choice(["MANUAL", "DYNAMIC", "SNAPSHOT"]),
            "objectTypeId": lambda: "0-1",
            "propertiesWithHistory": lambda: rng.sample(NAMES, 2),
        }
        if name in makers:
            return makers[name]()
        if "Ids" in name or name.startswith("recordIds"):
            return self.some("contacts")
        return self.id(kind) if rng.random() < 0.8 else rng.choice([rng.choice(WORDS), 1, 0])

    def _values(self, kind: str) -> dict[str, Json]:
        """Property values for a record of this kind, most of them such as it takes."""
        rng = self.rng
        fitting: dict[str, list[Json]] = {
            "email": [f"p{rng.randrange(60)}@x.fr", "jane@acme.fr"],
            "hs_timestamp": [str(NOW)],
            "own_key": ["k1", "k2", f"k{rng.randrange(20)}"],
            "lifecyclestage": ["lead", "customer", ""],
            "color": ["blue", "red", ""],
            "amount": ["12.5", 7],
            "dealstage": ["closedwon", "contractsent"],
            "hubspot_owner_id": [str(OWNER), ""],
            "hs_task_status": ["COMPLETED"],
            "numberofemployees": [5, "12"],
            "closedate": [str(NOW)],
        }
        own = {"contacts": NAMES[:10], "companies": ["name", "domain", "numberofemployees", "lifecyclestage"]}
        own["deals"] = ["dealname", "dealstage", "amount", "closedate"]
        names = own.get(kind, ["hs_timestamp", "hubspot_owner_id"])
        if rng.random() < 0.1:
            names = [*names, *NAMES]
        known = rng.sample(names, rng.randrange(1, min(4, len(names)) + 1))
        if kind not in own:
            known = ["hs_timestamp", *(name for name in known if name != "hs_timestamp")]
        return {name: rng.choice(fitting.get(name, VALUES)) for name in known}

    def _filters(self) -> list[Json]:
        rng = self.rng
        found = []
        for _ in range(rng.choice([1, 1, 2, 7])):
            one: dict[str, Json] = {
                "propertyName": rng.choice([*NAMES, "associations.contact", "associations.company"])
            }
            one |= {"operator": rng.choice(OPERATORS), "value": rng.choice([*VALUES, self.id()])}
            found.append(one | {"highValue": rng.choice(VALUES), "values": rng.sample(VALUES, 2)})
        return found

    def _types(self, about: list[str]) -> list[Json]:
        number = self.rng.choice([279, 280, 1, 2, 3, 4, 5, 202, 204, 449, 9999])
        if len(about) > 1 and self.rng.random() < 0.8:
            number = DEFAULT.get((about[0], about[1]), number)
        return [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}]

    def some(self, kind: str) -> list[str]:
        return [self.id(kind) for _ in range(self.rng.randrange(1, 4))]

    def spoilt(self, body: Json) -> Json:
        """The body with one part of it replaced, left out, doubled, renamed or grown."""
        rng = self.rng
        if not isinstance(body, dict | list) or not body or rng.random() < 0.2:
            return rng.choice(JUNK)
        if isinstance(body, list):
            at = rng.randrange(len(body))
            how = rng.random()
            if how < 0.5:
                return [*body[:at], self.spoilt(body[at]), *body[at + 1 :]]
            return [*body, *body] if how < 0.7 else [*body, rng.choice(JUNK)]
        name = rng.choice(list(body))
        rest = {key: value for key, value in body.items() if key != name}
        how = rng.random()
        if how < 0.2:
            return rest
        if how < 0.3:
            return {**rest, rng.choice(KEYS): body[name]}
        return {**body, name: self.spoilt(body[name])}
