"""HubSpot's error answers, word for word where HUBSPOT.md gives them (3.6, 3.7, 8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from connector.sandbox.wire import Body, Refusal, refuse


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one property value was not taken; `code` as in HUBSPOT.md 3.7."""

    name: str
    code: str
    message: str


def unauthenticated() -> Refusal:
    return refuse(
        401,
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
        "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        "INVALID_AUTHENTICATION",
    )


def expired(seconds: int, when: str) -> Refusal:
    return refuse(
        401,
        f"The OAuth token used to make this call expired {seconds} second(s) ago.",
        "EXPIRED_AUTHENTICATION",
        context={"expire time": [when]},
    )


def missing_scopes(scopes: Iterable[str], *, every: bool = False) -> Refusal:
    wanted = list(scopes)
    words = (
        "All of the following scopes are required."
        if every
        else "One or more of the following scopes are required."
    )
    return refuse(
        403,
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes "
        "here: https://developers.hubspot.com/scopes.",
        "MISSING_SCOPES",
        errors=[{"message": words, "context": {"requiredGranularScopes": wanted}}],
        links={"scopes": "https://developers.hubspot.com/scopes"},
    )


def missing_tier(tier: str) -> Refusal:
    """Wording unverified: only the tier block of the specification is known (HUBSPOT.md 5.5)."""
    return refuse(
        403, f"This account does not have access to this feature. It requires {tier.title()}.", "FORBIDDEN"
    )


def not_found() -> Refusal:
    """404 of one record: no category (3.3)."""
    return refuse(404, "resource not found")


def not_numeric(text: str) -> Refusal:
    """404 of an id that is no number: the two spaces are HubSpot's (3.3)."""
    return refuse(
        404,
        "Object not found.  objectId are usually numeric.",
        "OBJECT_NOT_FOUND",
        context={"id": [text]},
    )


def bare() -> Refusal:
    """The 400 that says nothing: past the 10,000th row of a search (3.4)."""
    return refuse(400, "There was a problem with the request.")


def conflict(existing: int) -> Refusal:
    return refuse(409, f"Contact already exists. Existing ID: {existing}", "CONFLICT")


def duplicates(ids: list[str]) -> Refusal:
    return refuse(
        400,
        f"Duplicate IDs found in batch input: [{', '.join(ids)}]. IDs must be unique",
        "VALIDATION_ERROR",
        context={"ids": ids},
    )


def not_unique(type_id: str, name: str, portal: int) -> Refusal:
    return refuse(
        400,
        f"Unable to perform update/upsert by non-unique {type_id} property {name} in portal ID {portal}",
        "VALIDATION_ERROR",
    )


def nothing_to_update() -> Refusal:
    return refuse(
        400,
        "No properties found to update, please provide at least one.",
        "VALIDATION_ERROR",
        context={"properties": ["{}"]},
    )


def uri_too_long() -> Refusal:
    return Refusal(414, {"status": "error", "message": "URI Too Long"})


def property_message(problems: list[Problem], portal: int) -> str:
    """`Property values were not valid: [{...}]`, the list in JSON (3.6)."""
    listed = [
        {
            "isValid": False,
            "message": problem.message,
            "error": problem.code,
            "name": problem.name,
            "localizedErrorMessage": problem.message,
            "portalId": portal,
        }
        for problem in problems
    ]
    return f"Property values were not valid: {orjson.dumps(listed).decode()}"


def invalid_properties(problems: list[Problem], portal: int) -> Refusal:
    return refuse(
        400,
        property_message(problems, portal),
        "VALIDATION_ERROR",
        errors=[
            {"message": problem.message, "code": problem.code, "context": {"propertyName": [problem.name]}}
            for problem in problems
        ],
    )


def missing_objects(label: str, ids: list[str], **context: Any) -> Body:
    """An item of `errors` in a 207 of batch/read (3.3)."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": f"Could not get some {label} objects, they may be deleted or not exist. Check that ids are valid.",
        "context": {"ids": ids, **context},
    }


def rolling_limit(app_id: int) -> Body:
    return {
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
        "policyName": "TEN_SECONDLY_ROLLING",
        "groupName": f"publicapi:private_app-api-calls-ten-secondly:{app_id}",
    }


def search_limit(app_id: int, *, plain: bool = False) -> Body:
    """Of two wordings that are seen; what decides between them is not known (8)."""
    if plain:
        return {
            "status": "error",
            "message": "You have reached your secondly limit.",
            "category": "RATE_LIMITS",
        }
    return {
        "status": "error",
        "message": "You have reached your secondly limit.",
        "errorType": "RATE_LIMIT",
        "policyName": "SECONDLY",
        "groupName": f"publicapi:crm:search:oauth:{app_id}",
    }


def grant_limit() -> Body:
    """Of the token endpoint (1.2): only its message is known."""
    return {"status": "error", "message": "You have reached your rate limit.", "category": "RATE_LIMITS"}


def daily_limit(request_id: str) -> Body:
    return {
        "status": "error",
        "message": "You have reached your daily limit.",
        "errorType": "RATE_LIMIT",
        "policyName": "DAILY",
        "requestId": request_id,
    }
