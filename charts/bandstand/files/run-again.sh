# For `skaffold dev`: run a command again whenever it ends, so that what was synced counts. Its
# process id is in /tmp/service.pid; Kubernetes's SIGTERM ends both.
trap 'kill "$child" 2>/dev/null; wait "$child"; exit 0' TERM INT
while :; do
    "$@" &
    child=$!
    echo "$child" >/tmp/service.pid
    wait "$child"
    sleep 1
done
