-- What was heard of each choreographed saga, and when something new was. Where it stands is
-- concluded from that when somebody asks, so that hearing costs one statement a batch.
CREATE TABLE IF NOT EXISTS sagas (
    order_id      uuid PRIMARY KEY,
    epoch         integer NOT NULL,
    heard         jsonb NOT NULL,
    progressed_at timestamptz NOT NULL DEFAULT now(),
    closed_at     timestamptz
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS sagas_open ON sagas (order_id) WHERE closed_at IS NULL;
CREATE INDEX IF NOT EXISTS sagas_closed ON sagas (closed_at) WHERE closed_at IS NOT NULL;
