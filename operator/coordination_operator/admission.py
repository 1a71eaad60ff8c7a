"""Whether a Policy may be saved: the API server asks before it saves one.

What is refused here is what the object's own condition would say afterwards. That stays: while
nobody answers, the API server saves what it is given (`failurePolicy: Ignore` in the chart), for an
operator that is away must not keep people from their rules.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import Body, FastAPI, HTTPException

from coordination_operator.policy_union import Problem, readable

API_VERSION: Final = "admission.k8s.io/v1"
KIND: Final = "AdmissionReview"
PATH: Final = "/policies"


class Asked(msgspec.Struct, frozen=True, rename="camel"):
    """What of a request matters; `old_object` is None when an object is made."""

    uid: str
    object: dict[str, Any]
    old_object: dict[str, Any] | None = None


class Review(msgspec.Struct, frozen=True, rename="camel"):
    request: Asked


def reviewing() -> FastAPI:
    app = FastAPI(title="bandstand admission", openapi_url=None)

    @app.post(PATH)
    def review(body: Annotated[dict[str, Any], Body()]) -> dict[str, object]:
        try:
            asked = msgspec.convert(body, Review).request
        except msgspec.ValidationError as error:
            raise HTTPException(400, f"not an {KIND}: {error}") from error
        return {"apiVersion": API_VERSION, "kind": KIND, "response": answer(asked)}

    return app


def answer(asked: Asked) -> dict[str, object]:
    """A spec that is there already is nobody's fault now: its labels may be changed."""
    spec = asked.object.get("spec")
    if asked.old_object is not None and asked.old_object.get("spec") == spec:
        return {"uid": asked.uid, "allowed": True}
    found = readable(spec)
    if isinstance(found, Problem):
        status = {"code": 422, "reason": "Invalid", "message": found.message}
        return {"uid": asked.uid, "allowed": False, "status": status}
    return {"uid": asked.uid, "allowed": True}
