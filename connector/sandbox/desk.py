"""The front desk: one request's way from its path to its answer, without sockets.

Path, token, limits, scope, tier, then the handler in one transaction; every refusal as HubSpot words it;
whatever is not imitated as a 501 that names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote
from uuid import uuid4

from connector.sandbox import paths, refusals
from connector.sandbox.clock import iso
from connector.sandbox.faults import Faults
from connector.sandbox.journal import Journal
from connector.sandbox.limits import Limits
from connector.sandbox.services import ROUTES
from connector.sandbox.state import Account, Token
from connector.sandbox.state.knobs import TIERS
from connector.sandbox.wire import Body, Call, Refusal, Reply, Route, Unimitated, dump, query_of

LARGEST = 20_000_000  # bytes of a body
JSON = "application/json;charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    raw: bytes
    length: int = 0  # of the body, as declared; it is not read where that is too much


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back on the wire."""

    status: int
    raw: bytes
    headers: dict[str, str]


class Desk:
    """Answers for one account."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.limits = Limits(account)
        self.faults = Faults(account.db)
        self.journal = Journal(account.db)
        self._routes = _by_shape(ROUTES)

    def answer(self, request: Request) -> Answer:
        """Carries the request out. Never raises for what a client can get wrong."""
        headers = {"Content-Type": JSON, "X-HubSpot-Correlation-Id": str(uuid4())}
        try:
            reply = self._reply(request, headers)
        except Refusal as refusal:
            reply = Reply(refusal.status, correlated(refusal.body, headers), refusal.headers)
        except Unimitated as what:
            message = f"The sandbox does not imitate {what}. ({request.method} {request.path})"
            reply = Reply(501, correlated({"status": "error", "message": message}, headers))
        except OverflowError:  # no id, count or moment has more than 64 bits
            said = {"status": "error", "message": "A number is too large.", "category": "VALIDATION_ERROR"}
            reply = Reply(400, correlated(said, headers))
        except Exception as bug:
            # A mistake of the sandbox, never HubSpot's: said as such, so that no client is blamed for it.
            message = (
                f"The sandbox itself failed: {type(bug).__name__}: {bug} ({request.method} {request.path})"
            )
            reply = Reply(500, correlated({"status": "error", "message": message}, headers))
        return Answer(reply.status, dump(reply.body), {**headers, **reply.headers})

    def _reply(self, request: Request, headers: dict[str, str]) -> Reply:
        if max(len(request.raw), request.length) > LARGEST:
            raise Refusal(413, {"status": "error", "message": "Request Entity Too Large"})
        if len(request.path) + len(request.query) > self.account.knobs.uri_limit:
            raise refusals.uri_too_long()
        route, version, args = self._find(request)
        token = None if route.public else self._token(request)
        try:
            self.limits.take(token, route.bucket)
        finally:
            headers.update(self.limits.headers(token, route.bucket))
        call = Call(
            request.method,
            request.path,
            version,
            args,
            query_of(request.query),
            request.raw,
            token,
            request.headers.get("content-type", ""),
        )
        self._allow(route, call, token)
        return self._carry_out(route, call)

    def _find(self, request: Request) -> tuple[Route, str, dict[str, str]]:
        found = paths.canonical(request.path)
        if found is None:
            raise Unimitated("this path")
        path, version = found
        parts = [unquote(part) for part in path.split("/")[1:]]
        others = set()
        for route, shape in self._routes.get(len(parts), ()):
            args = _match(shape, parts)
            if args is None or (version == "v4" and "associations" not in parts):
                continue
            if route.versions and version not in route.versions.split():
                continue
            if route.method == request.method:
                return route, version, args
            others.add(route.method)
        if others:
            allowed = ", ".join(sorted(others))
            raise Refusal(405, {"status": "error", "message": "Method not allowed"}, {"Allow": allowed})
        raise Unimitated("this path")

    def _token(self, request: Request) -> Token:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        token = self.account.find_token(text.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise refusals.unauthenticated()
        now = self.account.clock.now()
        if token.expires is not None and token.expires <= now:
            raise refusals.expired((now - token.expires) // 1000, iso(token.expires))
        return token

    def _allow(self, route: Route, call: Call, token: Token | None) -> None:
        """Scope, tier, known parameters, in this order."""
        wanted = list(_scopes(route, call))
        if token and token.oauth:
            wanted = wanted or ["oauth"]  # which only a key may do without (1.3)
        held = token.scopes if token else frozenset[str]()
        if wanted and not held.intersection(wanted):
            raise refusals.missing_scopes(wanted)
        named = [call.args.get(name, "") for name in ("kind", "from")]
        if route.path.startswith("/crm/objects") and any(
            name in ("emails", "email", "0-49") for name in named
        ):
            both = [*wanted, "sales-email-read"]
            if not held.issuperset(["sales-email-read"]):
                raise refusals.missing_scopes(both, every=True)
        if TIERS.index(self.account.knobs.tier) < TIERS.index(route.tier):
            raise refusals.missing_tier(route.tier)
        if odd := sorted(name for name in call.query if not route.knows(name)):
            raise Unimitated(f"query parameter {', '.join(odd)}")

    def _carry_out(self, route: Route, call: Call) -> Reply:
        self.account.settle()
        if call.method == "GET":
            return route.handler(self.account, call)
        try:
            with self.account.db.transaction():
                return route.handler(self.account, call)
        except BaseException:
            # What was changed in memory goes back with the file.
            if route.path.startswith("/crm/properties"):
                self.account.definitions.reload()
            raise


def _by_shape(routes: tuple[Route, ...]) -> dict[int, list[tuple[Route, list[str]]]]:
    """Routes by number of path parts; those with fewer parameters come first."""
    shapes = [(route, route.path.split("/")[1:]) for route in routes]
    shapes.sort(key=lambda pair: [part.startswith("{") for part in pair[1]])
    found: dict[int, list[tuple[Route, list[str]]]] = {}
    for route, shape in shapes:
        found.setdefault(len(shape), []).append((route, shape))
    return found


def _match(shape: list[str], parts: list[str]) -> dict[str, str] | None:
    args: dict[str, str] = {}
    for pattern, part in zip(shape, parts, strict=True):
        if pattern[0] == "{":
            if not part:
                return None
            args[pattern[1:-1]] = part
        elif pattern != part:
            return None
    return args


def _scopes(route: Route, call: Call) -> Iterator[str]:
    for scope in route.scopes:
        yield scope.replace("{object}", call.kind().scope) if "{object}" in scope else scope


def correlated(body: Body, headers: Mapping[str, str]) -> Body:
    """The correlation id of the header, in its usual place in the body."""
    after = "errorType" if "errorType" in body else "message"
    found: Body = {}
    for name, value in body.items():
        found[name] = value
        if name == after:
            found["correlationId"] = headers["X-HubSpot-Correlation-Id"]
    return found
