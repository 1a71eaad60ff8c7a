"""What every service stands on: messages, inbox, outbox, relay, consumer, telemetry."""
