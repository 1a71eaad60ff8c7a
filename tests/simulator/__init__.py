"""Both modes' real code over an in-memory broker and database; one seed is one schedule.

Real: participants with their playbooks, the orchestrator with its saga, batches, relay, timers,
nudges, route. In memory: PostgreSQL, Kafka, the clock, and the chaos that befalls them.
"""
