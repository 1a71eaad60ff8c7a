CREATE TABLE IF NOT EXISTS shipments (
    order_id   uuid PRIMARY KEY,
    status     text NOT NULL CHECK (status IN ('arranged', 'refused', 'cancelled')),
    tracking   text,
    reason     text,
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- Append-only and without a unique key, so that an effect that happened twice shows.
CREATE TABLE IF NOT EXISTS bookings (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id uuid NOT NULL,
    entry    text NOT NULL DEFAULT 'booked',
    at       timestamptz NOT NULL DEFAULT now()
);
