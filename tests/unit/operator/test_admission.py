"""What the API server is told when it asks whether a Policy may be saved."""

import shutil
import ssl
import subprocess
from contextlib import suppress
from uuid import uuid4

import httpx
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from coordination_operator import web
from coordination_operator.admission import PATH, reviewing
from coordination_operator.policy_plan import PolicyObject
from coordination_operator.policy_resources import PolicyStatus
from coordination_operator.policy_union import standings
from coordination_operator.web import CERTIFICATE, KEY, Server
from tests.integration.waiting import eventually
from tests.tools import lacking

RULE = {"name": "no-drums", "guards": "AuthorizePayment", "effect": "deny", "when": "true"}
MANY = f"[{', '.join(['1'] * 100)}]"
TOO_MUCH = f"{MANY}.all(a, {MANY}.all(b, a == b || true))"
EXPRESSIONS = st.sampled_from(
    (
        "true",
        "order.amount_cents > 5",
        "order.amount_cents >",
        "nobody.knows",
        "1 +",
        "facts.Polka",
        TOO_MUCH,
    )
)


def a_spec(**changes):
    return {"rules": [RULE | changes]}


def asking(spec, before=None, uid="7"):
    old = None if before is None else {"spec": before}
    request = {"uid": uid, "operation": "CREATE", "object": {"spec": spec}, "oldObject": old}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def answered(*asked, **named):
    review = TestClient(reviewing()).post(PATH, json=asking(*asked, **named)).json()
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    return review["response"]


def test_rules_that_make_sense_may_be_saved():
    uid = str(uuid4())
    assert answered(a_spec(), uid=uid) == {"uid": uid, "allowed": True}


def test_a_bad_expression_may_not_and_its_place_is_told():
    said = answered(a_spec(when="order.amount_cents >"))
    assert said["allowed"] is False
    assert said["status"]["code"] == 422
    assert "no-drums: when: line 1, column 21: Syntax error" in said["status"]["message"]


def test_what_is_there_already_is_nobodys_fault_now():
    bad = a_spec(when="order.amount_cents >")
    assert answered(bad, bad)["allowed"]
    assert not answered(bad, a_spec())["allowed"]


@given(EXPRESSIONS, st.sampled_from(("AuthorizePayment", "CapturePayment")))
def test_it_says_what_the_objects_own_condition_would(when, guards):
    spec = a_spec(when=when, guards=guards)
    alone = PolicyObject("alone", 1, spec, PolicyStatus())
    problem = standings([alone], None, {})["alone"].problem
    said = answered(spec)
    assert said["allowed"] is (problem is None)
    assert problem is None or said["status"]["message"] == problem.message


@pytest.mark.parametrize("body", [{}, {"request": {"uid": "7"}}, {"request": "please"}])
def test_what_is_no_review_is_refused(body):
    answer = TestClient(reviewing()).post(PATH, json=body)
    assert answer.status_code == 400
    assert "AdmissionReview" in answer.json()["detail"]


def make_certificate(folder):
    """One that is its own authority."""
    program = shutil.which("openssl") or lacking("openssl is not on the PATH")
    made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1")
    named = ("-subj", "/CN=operator", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", str(folder / KEY), "-out", str(folder / CERTIFICATE))
    command = (program, "req", "-x509", *made, *named, *files)
    subprocess.run(command, check=True, capture_output=True)
    return ssl.create_default_context(cafile=folder / CERTIFICATE)


def may_be_saved(server, known):
    address = f"https://127.0.0.1:{server.port}{PATH}"
    answer = httpx.post(address, json=asking(a_spec()), verify=known)
    return answer.json()["response"]["allowed"]


def test_it_is_asked_over_tls_also_when_its_certificate_is_another_one(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "LOOK_SECONDS", 0.02)
    first = make_certificate(tmp_path)
    server = Server(reviewing(), 0, tmp_path)
    try:
        assert may_be_saved(server, first)
        second = make_certificate(tmp_path)

        def is_shown():
            with suppress(httpx.ConnectError):
                return may_be_saved(server, second)

        eventually(is_shown, "the new certificate is shown")
        with pytest.raises(httpx.ConnectError):
            may_be_saved(server, first)
    finally:
        server.close()
