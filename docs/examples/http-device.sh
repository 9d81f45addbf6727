#!/bin/sh
# A device that can only POST, with curl:  sh http-device.sh https://localhost:8443 TOKEN_FILE CA_FILE [READINGS]
# The body of a frame is kept until it is answered, and sent again byte for byte: so nothing is lost and nothing doubled.
set -eu
url=$1 token_file=$2 ca_file=$3 count=${4:-20}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
umask 077
printf 'Authorization: Bearer %s\n' "$(cat "$token_file")" >"$folder/credential" # read by curl: not to be seen in the list of processes
stream=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n') # in memory only: after a crash it is another stream

# post FILE [HEADER …]: prints the status and the highest seq that is settled; the answer is in $folder/answer
post() {
  body=$1
  shift
  for header; do set -- "$@" -H "$header"; shift; done
  curl --silent --show-error --max-time 30 --cacert "$ca_file" -H "@$folder/credential" -H 'Content-Type: application/senml+json' "$@" \
    --data-binary "@$body" --output "$folder/answer" --write-out '%{http_code} %header{fieldgate-acked}\n' "$url/v1/readings" || true
}

echo '[{"n":"greeting","vs":"hello"}]' >"$folder/body" # a bare pack: at least once
until post "$folder/body" | grep -q '^200 '; do sleep 1; done
echo "stored $(sed 's/.*"stored":\([0-9]*\).*/\1/' "$folder/answer")"

seq=1
while [ "$seq" -le "$count" ]; do
  printf '[{"n":"count","v":%d,"t":%d}]' "$seq" "$(date +%s)" >"$folder/body"
  while :; do
    answer=$(post "$folder/body" "Fieldgate-Stream: $stream" "Fieldgate-Seq: $seq")
    case $answer in
      200* | 422*) break ;;                                      # settled: stored, stored before, or in quarantine
      401* | 403*) cat "$folder/answer" >&2; exit 1 ;;            # a new token is needed
      *) echo "again after: $answer"; sleep 1 ;;                  # random, and longer after each failure, in a real device
    esac
  done
  echo "ack ${answer#* }"
  seq=$((seq + 1))
  sleep 0.2
done
