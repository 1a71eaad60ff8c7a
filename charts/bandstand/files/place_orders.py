"""Place orders until each mode has had one, see both end confirmed, leave the route as it was."""

import json
import os
import sys
import time
import urllib.request

PATIENCE_SECONDS = 60
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
    with urllib.request.urlopen(request, timeout=10) as response:
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


def see_it_end(mode, order_id):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        order = ask("GET", f"/orders/{order_id}")
        if order["status"] == "confirmed":
            return print(f"{mode}: {order_id} confirmed, {len(order['timeline'])} events")
        if order["status"] == "rejected" or time.monotonic() > deadline:
            raise SystemExit(f"{mode}: {order_id} is {order['status']}, {order['reason']}")
        time.sleep(0.2)


before = ask("GET", "/coordination")
route(before["mode"], 50)
try:
    placed = one_in_each_mode()
finally:
    route(before["mode"], before["weight"])
for mode, order_id in placed.items():
    see_it_end(mode, order_id)
