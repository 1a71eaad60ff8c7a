CREATE TABLE IF NOT EXISTS payments (
    order_id     uuid PRIMARY KEY,
    status       text NOT NULL CHECK (status IN ('authorized', 'declined', 'voided', 'captured')),
    amount_cents bigint NOT NULL CHECK (amount_cents >= 0),
    currency     text NOT NULL,
    card         text NOT NULL,
    reason       text,
    changed_at   timestamptz NOT NULL DEFAULT now()
);

-- Append-only and without a unique key, so that an effect that happened twice shows.
CREATE TABLE IF NOT EXISTS ledger (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id     uuid NOT NULL,
    entry        text NOT NULL,
    amount_cents bigint NOT NULL,
    at           timestamptz NOT NULL DEFAULT now()
);
