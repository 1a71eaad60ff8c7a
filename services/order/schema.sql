CREATE TABLE IF NOT EXISTS orders (
    id                  uuid PRIMARY KEY,
    customer_id         text NOT NULL,
    items               jsonb NOT NULL,
    total_cents         bigint NOT NULL CHECK (total_cents >= 0),
    currency            text NOT NULL,
    card                text NOT NULL,
    ship_to             jsonb NOT NULL,
    status              text NOT NULL DEFAULT 'pending'
                        CHECK (status IN ('pending', 'confirmed', 'rejected')),
    reason              text,
    mode                text NOT NULL CHECK (mode IN ('orchestration', 'choreography')),
    epoch               integer NOT NULL,
    placed_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at            timestamptz,
    closed_at           timestamptz,
    deadline_at         timestamptz NOT NULL,
    nudges              integer NOT NULL DEFAULT 0,
    cancel_requested_at timestamptz,
    idempotency_key     text UNIQUE,
    request_hash        bytea NOT NULL,
    traceparent         text,
    parent_span         text
);

-- Open orders are few however many there ever were: drains and deadlines look only at them.
CREATE INDEX IF NOT EXISTS orders_open ON orders (mode, epoch, deadline_at)
    WHERE closed_at IS NULL;

-- For the auditor of policies, who goes over what has just closed. Orders close about in the order in
-- which they lie there, so a few bytes for every so many pages do.
CREATE INDEX IF NOT EXISTS orders_closed ON orders USING brin (closed_at)
    WITH (pages_per_range = 32, autosummarize = on);

-- What the order service heard of its orders, in both modes.
CREATE TABLE IF NOT EXISTS timeline (
    order_id   uuid NOT NULL,
    message_id text NOT NULL,
    type       text NOT NULL,
    source     text NOT NULL,
    mode       text NOT NULL,
    epoch      integer NOT NULL,
    at         timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS timeline_order ON timeline (order_id);

-- Which mode gets which share of new orders. Admissions read it under a shared advisory lock, a
-- switch writes it under the exclusive one: after a switch commits, no order of an older epoch
-- can appear.
CREATE TABLE IF NOT EXISTS route (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    mode       text NOT NULL CHECK (mode IN ('orchestration', 'choreography')),
    weight     integer NOT NULL CHECK (weight BETWEEN 0 AND 100),
    epoch      integer NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE IF NOT EXISTS route_history (
    epoch      integer PRIMARY KEY,
    mode       text NOT NULL,
    weight     integer NOT NULL,
    changed_at timestamptz NOT NULL
);

INSERT INTO route (mode, weight, epoch) VALUES ('orchestration', 100, 1) ON CONFLICT DO NOTHING;
INSERT INTO route_history (epoch, mode, weight, changed_at)
SELECT epoch, mode, weight, changed_at FROM route ON CONFLICT DO NOTHING;

-- Every rule set that was ever in force, for good: the auditor judges each step by the one of its
-- moment.
CREATE TABLE IF NOT EXISTS policy_versions (
    version    integer PRIMARY KEY,
    rules      jsonb NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Who enforces which version, and since when: the first word of each point about it. Its newest word,
-- which it repeats, is in policy_points.
CREATE TABLE IF NOT EXISTS policy_acknowledgements (
    service  text NOT NULL,
    instance text NOT NULL,
    version  integer NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (version, service, instance)
);
CREATE TABLE IF NOT EXISTS policy_points (
    service  text NOT NULL,
    instance text NOT NULL,
    version  integer NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (service, instance)
);
-- Since when it has been there without a longer silence: who joins late is behind from then on, and
-- not from when the rules were made.
ALTER TABLE policy_points ADD COLUMN IF NOT EXISTS present_since timestamptz;
ALTER TABLE policy_points ADD COLUMN IF NOT EXISTS leaving boolean NOT NULL DEFAULT false;
ALTER TABLE policy_acknowledgements ADD COLUMN IF NOT EXISTS present_since timestamptz;

-- What rules hold, and what was answered.
CREATE TABLE IF NOT EXISTS holds (
    order_id    uuid NOT NULL,
    rule        text NOT NULL,
    step        text NOT NULL,
    version     integer NOT NULL,
    held_by     text NOT NULL,
    held_at     timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    answer      text CHECK (answer IN ('approved', 'declined')),
    answered_at timestamptz,
    PRIMARY KEY (order_id, rule)
);
CREATE INDEX IF NOT EXISTS holds_open ON holds (held_at) WHERE answer IS NULL;
