"""Place orders until each mode has had one, see both end confirmed, leave the route as it was.

The first orders of a release that is still cold may time out: then it is done again.
"""

import json
import os
import sys
import time
import urllib.request

PATIENCE_SECONDS = 60
ATTEMPTS = 4
ENOUGH_ORDERS = 60  # at even odds one mode stays out in one of 10^17 runs
AN_ORDER = {
    "customer_id": "c-helm-test",
    "items": [{"sku": "guitar", "quantity": 1}],
    "card": "tok-visa",
    "currency": "EUR",
    "ship_to": {"name": "Ella", "country": "DE", "city": "Berlin", "postcode": "10115"},
}


def ask(method, path, body=None):
    request = urllib.request.Request(
        sys.argv[1] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": "Bearer " + os.environ["BANDSTAND_TOKEN"],
        },
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
        return json.load(response)


def route(mode, weight):
    epoch = ask("GET", "/coordination")["epoch"]
    return ask("PUT", "/coordination", {"mode": mode, "weight": weight, "epoch": epoch})


def one_in_each_mode():
    placed = {}
    for _ in range(ENOUGH_ORDERS):
        order = ask("POST", "/orders", AN_ORDER)
        placed.setdefault(order["mode"], order["id"])
        if len(placed) == 2:
            return placed
    raise SystemExit(f"{ENOUGH_ORDERS} orders, and all went to {list(placed)}")


def placed_in_each_mode():
    before = ask("GET", "/coordination")
    route(before["mode"], 50)
    try:
        return one_in_each_mode()
    finally:
        route(before["mode"], before["weight"])


def await_end(order_id):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        order = ask("GET", f"/orders/{order_id}")
        if order["status"] in ("confirmed", "rejected") or time.monotonic() > deadline:
            return order
        time.sleep(0.2)


def is_confirmed(mode, order_id):
    """Or has timed out; whatever else becomes of it is a failure."""
    order = await_end(order_id)
    if order["status"] == "confirmed":
        print(f"{mode}: {order_id} confirmed, {len(order['timeline'])} events")
        return True
    if order["reason"] == "timed_out":
        print(f"{mode}: {order_id} timed out")
        return False
    raise SystemExit(f"{mode}: {order_id} is {order['status']}, {order['reason']}")


for attempt in range(1, ATTEMPTS + 1):
    confirmed = [is_confirmed(*placed) for placed in placed_in_each_mode().items()]
    if all(confirmed):
        break
    if attempt == ATTEMPTS:
        raise SystemExit(f"orders timed out {ATTEMPTS} times")
    print("placing orders again", flush=True)
