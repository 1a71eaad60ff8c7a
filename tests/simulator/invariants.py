"""What must be true of every schedule once everything has come to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from services.catalogue import SOLD_OUT
from services.inventory.model import Status as Held
from services.kit.message import Mode, SagaId
from services.order.model import Status
from services.payment.model import Status as Money
from services.shipping.model import Status as Parcel
from tests.simulator.chaos import is_doomed
from tests.simulator.policies import broken_rules
from tests.simulator.repositories import OrderRow, running

if TYPE_CHECKING:
    from tests.simulator.world import World


def violations(world: World) -> list[str]:
    """In words; none is what is hoped for."""
    found = [*_nothing_is_left(world), *_stock_adds_up(world), *_money_adds_up(world)]
    found += broken_rules(world)
    found += [*_no_saga_changed_mode(world), *_letters(world), *_heard_once(world)]
    for order, row in world.book.orders.items():
        name = world.trace.name(order)
        found += [f"{name}: {violation}" for violation in _of_order(world, order, row)]
    return found


def _own(world: World, service: str) -> Any:
    return world.stores[service].own


def _of_order(world: World, order: SagaId, row: OrderRow) -> Iterator[str]:
    if row.status is Status.PENDING:
        yield "never ended"
        return
    if not row.closed:
        yield f"{row.status}, but never closed"
    told = [note.kind for note in _own(world, "notification") if note.order_id == order]
    if told != [row.status]:
        yield f"{row.status}, but its customer was told {told}"
    if row.status is Status.CONFIRMED:
        yield from _everything_happened(world, order, row)
    else:
        yield from _nothing_happened(world, order)
    yield from _conducted(world, order, row)


def _everything_happened(world: World, order: SagaId, row: OrderRow) -> Iterator[str]:
    if is_doomed(row.placed):
        yield "doomed, but confirmed"
    yield from _unless(_moves(world, order), [Held.RESERVED, Held.SHIPPED], "stock")
    yield from _unless(_entries(world, order), [Money.AUTHORIZED, Money.CAPTURED], "money")
    shipment = _own(world, "shipping").shipments.get(order)
    if shipment is None or shipment.status is not Parcel.ARRANGED:
        yield f"confirmed, but its shipment is {shipment}"
    yield from _unless(_own(world, "shipping").bookings.count(order), 1, "bookings")


def _nothing_happened(world: World, order: SagaId) -> Iterator[str]:
    """Or it was undone, once."""
    if (moves := _moves(world, order)) not in ([], [Held.RESERVED, Held.RELEASED]):
        yield f"rejected, but its stock was {moves}"
    if (entries := _entries(world, order)) not in ([], [Money.AUTHORIZED, Money.VOIDED]):
        yield f"rejected, but its money was {entries}"
    yield from _unless(_own(world, "shipping").bookings.count(order), 0, "bookings")
    shipment = _own(world, "shipping").shipments.get(order)
    if shipment is not None and shipment.status is Parcel.ARRANGED:
        yield "rejected, but its shipment is arranged"


def _conducted(world: World, order: SagaId, row: OrderRow) -> Iterator[str]:
    stored = _own(world, "orchestrator").sagas.get(order)
    if row.mode is Mode.CHOREOGRAPHY:
        if stored is not None:
            yield "choreography, but the orchestrator knows it"
    elif stored is None or stored.state.outcome != row.status:
        yield f"{row.status}, but the orchestrator says {stored and stored.state}"


def _moves(world: World, order: SagaId) -> list[Held]:
    return [move for each, move in _own(world, "inventory").moves if each == order]


def _entries(world: World, order: SagaId) -> list[Money]:
    return [entry.entry for entry in _own(world, "payment").ledger if entry.order_id == order]


def _unless(found: object, wanted: object, what: str) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: {found}, not {wanted}"


def _nothing_is_left(world: World) -> Iterator[str]:
    for name, store in world.stores.items():
        if store.outbox:
            yield f"{name}: {len(store.outbox)} rows in the outbox were never published"
        if store.parked:
            yield f"{name}: {len(store.parked)} messages are still parked"
    for saga in running(_own(world, "orchestrator")):
        yield f"{world.trace.name(saga)}: its saga never ended"


def _stock_adds_up(world: World) -> Iterator[str]:
    for sku, level in _own(world, "inventory").levels.items():
        stocked = 0 if sku in SOLD_OUT else world.plan.stocked
        if level.on_hand + level.reserved + level.shipped != stocked:
            yield f"{sku}: {level} is not the {stocked} that were stocked"
        if level.reserved:
            yield f"{sku}: {level.reserved} are reserved for nobody"


def _money_adds_up(world: World) -> Iterator[str]:
    total: Counter[Money] = Counter()
    for entry in _own(world, "payment").ledger:
        total[entry.entry] += entry.amount_cents
    if total[Money.AUTHORIZED] != total[Money.CAPTURED] + total[Money.VOIDED]:
        yield f"authorized is not captured + voided: {dict(total)}"


def _no_saga_changed_mode(world: World) -> Iterator[str]:
    orders = world.book.orders
    for entry in world.broker.entries():
        message = entry.message
        if message is None:
            continue
        row = orders[message.saga_id]
        if (message.mode, message.epoch) != (row.mode, row.epoch):
            yield f"{message.id} says {message.mode} {message.epoch}, its order {row.mode}"
        if row.mode is Mode.CHOREOGRAPHY and message.topic.endswith(".commands"):
            yield f"{message.id} is a command in choreography"


def _letters(world: World) -> Iterator[str]:
    """Only what cannot be read is dead-lettered, by each service that read it."""
    for entry in world.broker.entries():
        message = entry.message
        if message is not None and entry.place.topic.endswith(".dead-letter"):
            reason = dict(entry.headers)["bandstand-reason"].decode()
            yield f"{entry.place.topic}: {world.trace.told(message)}: {reason}"


def _heard_once(world: World) -> Iterator[str]:
    heard = Counter(message_id for _, message_id in world.book.timeline)
    yield from (f"{message_id} was heard {n} times" for message_id, n in heard.items() if n > 1)
