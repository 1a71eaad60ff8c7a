SELECT order_id::text AS order_id, mode, step, rule, version, at
FROM (
    SELECT * FROM orchestrator.decisions
    UNION ALL SELECT * FROM inventory.decisions
    UNION ALL SELECT * FROM payment.decisions
    UNION ALL SELECT * FROM shipping.decisions
) AS decisions
WHERE outcome = 'denied' AND enforced AND order_id = ANY(%(ids)s::uuid[])
