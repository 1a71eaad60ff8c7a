-- What every service keeps beside its own tables. Idempotent: run at each start.

CREATE TABLE IF NOT EXISTS inbox (
    message_id  text PRIMARY KEY,
    mode        text NOT NULL,
    epoch       integer NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS inbox_received ON inbox (received_at);

-- A row lives until the broker has acknowledged it. `xid` lets a sweep stop before the oldest
-- transaction in flight, because identity order is not commit order.
CREATE TABLE IF NOT EXISTS outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    created_at timestamptz NOT NULL DEFAULT now(),
    topic      text NOT NULL,
    key        text NOT NULL,
    message_id text NOT NULL,
    mode       text NOT NULL,
    headers    bytea NOT NULL,
    value      bytea NOT NULL,
    parent     text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Messages that wait for another try.
CREATE TABLE IF NOT EXISTS parked (
    message_id text PRIMARY KEY,
    message    bytea NOT NULL,
    tries      integer NOT NULL,
    why        text NOT NULL,
    due_at     timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS parked_due ON parked (due_at);

-- What joins remember: one row a saga, so that two halves heard at once meet on its lock.
CREATE TABLE IF NOT EXISTS facts (
    saga_id  uuid PRIMARY KEY,
    heard    jsonb NOT NULL,
    heard_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE facts ADD COLUMN IF NOT EXISTS heard_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX IF NOT EXISTS facts_heard ON facts (heard_at);

CREATE TABLE IF NOT EXISTS incarnation (
    instance text PRIMARY KEY,
    starts   integer NOT NULL
);

CREATE TABLE IF NOT EXISTS faults (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    catalogue jsonb NOT NULL
);

-- What a policy enforcement point keeps: the newest rules that it has heard of, …
CREATE TABLE IF NOT EXISTS policies (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    rules       jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- … every decision, append-only, …
CREATE TABLE IF NOT EXISTS decisions (
    order_id uuid NOT NULL,
    mode     text NOT NULL,
    step     text NOT NULL,
    rule     text NOT NULL,
    version  integer NOT NULL,
    effect   text NOT NULL,
    enforced boolean NOT NULL,
    outcome  text NOT NULL,
    why      text NOT NULL,
    facts    jsonb NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS decisions_order ON decisions (order_id);

-- … and what orders took from the accounts of limits, each once.
CREATE TABLE IF NOT EXISTS spent (
    rule     text NOT NULL,
    key      text NOT NULL,
    order_id uuid NOT NULL,
    amount   bigint NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (rule, order_id)
);
CREATE INDEX IF NOT EXISTS spent_account ON spent (rule, key, at);
CREATE INDEX IF NOT EXISTS spent_at ON spent (at);
CREATE INDEX IF NOT EXISTS spent_order ON spent (order_id);
