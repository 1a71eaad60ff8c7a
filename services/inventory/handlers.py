"""What inventory does when told to, whoever tells it. A settled outcome stands."""

from __future__ import annotations

from services.inventory.model import Status, Stock
from services.kit.handling import handles, refuses
from services.kit.violations import Violation
from services.messages import (
    ReleaseStock,
    ReserveStock,
    ShipStock,
    StockRejected,
    StockReleased,
    StockReserved,
    StockShipped,
)


@handles(ReserveStock)
def reserve_stock(command: ReserveStock, stock: Stock) -> StockReserved | StockRejected:
    """Hold the items until they are shipped or released; all of them or none."""
    if command.order_id not in stock.reservations:
        if not stock.has(command.items):
            return refuse_stock(command, stock, "out_of_stock")
        stock.hold(command.order_id, command.items)
    return _settled(command, stock)


@refuses(ReserveStock)
def refuse_stock(command: ReserveStock, stock: Stock, reason: str) -> StockReserved | StockRejected:
    if command.order_id not in stock.reservations:
        stock.reject(command.order_id, reason)
    return _settled(command, stock)


@handles(ReleaseStock)
def release_stock(command: ReleaseStock, stock: Stock) -> StockReleased:
    """Hold nothing for this order, now and later: a reservation that comes late is refused."""
    held = stock.reservations.get(command.order_id)
    if held is not None and held.status is Status.SHIPPED:
        raise Violation("release after shipping")
    if held is None or held.status is Status.RESERVED:
        stock.release(command.order_id, command.reason)
    reason = stock.reservations[command.order_id].reason or command.reason
    return StockReleased(order_id=command.order_id, reason=reason)


@handles(ShipStock)
def ship_stock(command: ShipStock, stock: Stock) -> StockShipped:
    """Let the held items go; retriable, so there is no way to refuse."""
    held = stock.reservations.get(command.order_id)
    if held is None or held.status not in (Status.RESERVED, Status.SHIPPED):
        raise Violation("shipping what is not reserved")
    if held.status is Status.RESERVED:
        stock.ship(command.order_id)
    return StockShipped(order_id=command.order_id)


def _settled(command: ReserveStock, stock: Stock) -> StockReserved | StockRejected:
    held = stock.reservations[command.order_id]
    if held.status in (Status.RESERVED, Status.SHIPPED):
        return StockReserved(order_id=command.order_id)
    return StockRejected(order_id=command.order_id, reason=held.reason or "released")
