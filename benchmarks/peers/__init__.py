"""The same saga on Temporal, DBOS and FastStream, and the floor: its bare transactions.

Runs in an environment of its own (`requirements.txt`); every process is started as
`python -m benchmarks.peers SYSTEM PROCESS` and answers `/readyz`."""
