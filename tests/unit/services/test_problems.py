"""What an API says when its database is away: no more than it knows."""

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from services.kit import problems


@pytest.fixture
def client():
    app = FastAPI()
    problems.install(app)

    @app.api_route("/orders", methods=["GET", "POST", "PUT"])
    def lose_the_connection():
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    return TestClient(app)


def asked(client, method):
    answer = client.request(method, "/orders")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["type"] == "urn:bandstand:problem:database-unavailable"
    return answer.json()["detail"]


def test_who_looks_something_up_learns_that_the_database_is_away(client):
    assert asked(client, "GET") == "the database does not answer"


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_who_changes_something_is_not_told_that_nothing_was_done(client, method):
    """The connection may have been lost behind a COMMIT."""
    unknown = "the database does not answer; it is not known whether this was done"
    assert asked(client, method) == unknown
