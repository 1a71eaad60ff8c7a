# After each start of PostgreSQL: a role for each service with the password that the Secret has now.
# A role may make its own schema and sees nobody else's. The server that the image runs while it
# makes the database listens on no address, so whoever answers on one is the real server.
set -euo pipefail
for _ in $(seq 240); do
    pg_isready --quiet --host 127.0.0.1 && break
    sleep 0.5
done

as_owner() {
    psql --quiet --no-psqlrc --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
        --set ON_ERROR_STOP=1 --set database="$POSTGRES_DB" "$@"
}

for file in /etc/bandstand/database/*.password; do
    role=$(basename "$file" .password)
    [ "$role" = admin ] && role=$POSTGRES_USER
    as_owner --set role="$role" --set password="$(cat "$file")" <<'SQL'
SELECT format('CREATE ROLE %I LOGIN', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" PASSWORD :'password';
GRANT CONNECT, CREATE ON DATABASE :"database" TO :"role";
SQL
done
as_owner --command 'REVOKE CONNECT, TEMPORARY ON DATABASE bandstand FROM PUBLIC'
