"""The local stack: Kafka, PostgreSQL and the services as supervised processes of one machine.

`lab.stack.run` starts and stops it; `lab.stack.state` tells other commands what is running.
"""
