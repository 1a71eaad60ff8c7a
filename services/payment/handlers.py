"""What payment does when told to, whoever tells it. A settled outcome stands."""

from __future__ import annotations

from services.kit.handling import handles, refuses
from services.kit.violations import Violation
from services.messages import (
    AuthorizePayment,
    CapturePayment,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentDeclined,
    PaymentVoided,
    VoidPayment,
)
from services.payment.model import Payments, Status


@handles(AuthorizePayment)
def authorize_payment(
    command: AuthorizePayment, payments: Payments
) -> PaymentAuthorized | PaymentDeclined:
    """Hold the money, if the card network lets us."""
    if command.order_id not in payments.payments:
        declined = payments.answers[command.order_id].declined
        if declined is not None:
            return refuse_payment(command, payments, declined)
        payments.authorize(command)
    return _settled(command, payments)


@refuses(AuthorizePayment)
def refuse_payment(
    command: AuthorizePayment, payments: Payments, reason: str
) -> PaymentAuthorized | PaymentDeclined:
    if command.order_id not in payments.payments:
        payments.decline(command, reason)
    return _settled(command, payments)


@handles(VoidPayment)
def void_payment(command: VoidPayment, payments: Payments) -> PaymentVoided:
    """Hold no money for this order, now and later: an authorization that comes late is refused."""
    held = payments.payments.get(command.order_id)
    if held is not None and held.status is Status.CAPTURED:
        raise Violation("void after capture")
    if held is None or held.status is Status.AUTHORIZED:
        payments.void(command.order_id, command.reason)
    reason = payments.payments[command.order_id].reason or command.reason
    return PaymentVoided(order_id=command.order_id, reason=reason)


@handles(CapturePayment)
def capture_payment(command: CapturePayment, payments: Payments) -> PaymentCaptured:
    """Take the money that is held; retriable, so there is no way to refuse."""
    held = payments.payments.get(command.order_id)
    if held is None or held.status not in (Status.AUTHORIZED, Status.CAPTURED):
        raise Violation("capture of what is not authorized")
    if held.status is Status.AUTHORIZED:
        payments.capture(command.order_id)
    return PaymentCaptured(order_id=command.order_id, amount_cents=held.amount_cents)


def _settled(command: AuthorizePayment, payments: Payments) -> PaymentAuthorized | PaymentDeclined:
    held = payments.payments[command.order_id]
    if held.status in (Status.AUTHORIZED, Status.CAPTURED):
        return PaymentAuthorized(order_id=command.order_id, amount_cents=held.amount_cents)
    return PaymentDeclined(order_id=command.order_id, reason=held.reason or "voided")
