# A broker that lets in whoever has a password in the Secret that is mounted now.
set -euo pipefail
umask 077
quoted() { sed 's/[\\"]/\\&/g' "$1"; }

users=$(for file in /etc/bandstand-accounts/*.password; do
    printf '  user_%s="%s"\n' "$(basename "$file" .password)" "$(quoted "$file")"
done)
for listener in broker controller; do
    cat <<JAAS
$listener.KafkaServer {
  org.apache.kafka.common.security.plain.PlainLoginModule required
$users
  username="admin"
  password="$(quoted /etc/bandstand-accounts/admin.password)";
};
JAAS
done >/tmp/accounts.jaas

cd /opt/kafka/bin
./kafka-storage.sh format --ignore-formatted --cluster-id "$CLUSTER_ID" --config /etc/bandstand/server.properties
exec ./kafka-server-start.sh /etc/bandstand/server.properties
