"""Whoever changes something has to have the token, but for a customer with an order."""

import pytest

from services.kit.bootstrap import EVERY_SERVICE
from tests.doors import doors

CUSTOMERS = {("POST", "/orders"), ("POST", "/orders/{order_id}/cancel")}


@pytest.mark.parametrize("service", EVERY_SERVICE)
def test_only_the_token_opens_what_changes_something(service):
    found = {(door.method, door.path): door.guarded for door in doors(service)}
    assert ("PUT", "/faults") in found
    assert {door for door, guarded in found.items() if not guarded} <= CUSTOMERS
