-- Who was told: the key on which two replicas with the same order meet.
CREATE TABLE IF NOT EXISTS told (
    order_id uuid PRIMARY KEY,
    kind     text NOT NULL CHECK (kind IN ('confirmed', 'rejected'))
);

-- Append-only and without a unique key, so that an effect that happened twice shows.
CREATE TABLE IF NOT EXISTS notifications (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id    uuid NOT NULL,
    customer_id text NOT NULL,
    kind        text NOT NULL,
    message     text NOT NULL,
    sent_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS notifications_order ON notifications (order_id);
