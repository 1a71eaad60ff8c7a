CREATE TABLE IF NOT EXISTS stock (
    sku      text PRIMARY KEY,
    on_hand  bigint NOT NULL CHECK (on_hand >= 0),
    reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    shipped  bigint NOT NULL DEFAULT 0 CHECK (shipped >= 0),
    stocked  bigint NOT NULL
);

CREATE TABLE IF NOT EXISTS reservations (
    order_id   uuid PRIMARY KEY,
    status     text NOT NULL CHECK (status IN ('reserved', 'rejected', 'released', 'shipped')),
    items      jsonb NOT NULL,
    reason     text,
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- Append-only and without a unique key, so that an effect that happened twice shows.
CREATE TABLE IF NOT EXISTS moves (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id uuid NOT NULL,
    move     text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now()
);
