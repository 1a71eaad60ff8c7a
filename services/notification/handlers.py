"""What notification does when told to, whoever tells it."""

from __future__ import annotations

from services.kit.handling import handles
from services.kit.violations import Violation
from services.messages import CustomerNotified, NotifyCustomer
from services.notification.model import Mailbox


@handles(NotifyCustomer)
def notify_customer(command: NotifyCustomer, mailbox: Mailbox) -> CustomerNotified:
    """Tell the customer once; an order has one end."""
    told = mailbox.told.get(command.order_id)
    if told is not None and told != command.outcome:
        raise Violation(f"told {told} before, {command.outcome} now")
    if told is None:
        mailbox.tell(command)
    return CustomerNotified(order_id=command.order_id, outcome=command.outcome)
