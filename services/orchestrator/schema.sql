-- One row a saga, for good: it is what makes an `OrderPlaced` that comes again harmless. `deadline_at` is a lower bound of the next deadline: it is not moved at every
-- step, so that ordinary updates touch no index.
CREATE TABLE IF NOT EXISTS sagas (
    order_id    uuid PRIMARY KEY,
    version     integer NOT NULL,
    status      text NOT NULL CHECK (status IN ('running', 'compensating', 'stuck', 'ended')),
    outcome     text,
    reason      text,
    epoch       integer NOT NULL,
    state       jsonb NOT NULL,
    placed      bytea NOT NULL,
    deadline_at timestamptz,
    started_at  timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS sagas_deadline ON sagas (deadline_at) WHERE deadline_at IS NOT NULL;

-- Append-only: what was heard in each turn, and what was decided.
CREATE TABLE IF NOT EXISTS saga_log (
    order_id uuid NOT NULL,
    turn     integer NOT NULL,
    heard    text NOT NULL,
    entries  jsonb NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (order_id, turn)
);
CREATE INDEX IF NOT EXISTS saga_log_at ON saga_log (at);
