#!/usr/bin/env bash
# Enqueues a job for each word and prints its id: ./producer.sh mail ann bob
set -euo pipefail
url=${TRANTER_URL:-http://127.0.0.1:9325}
queue=$1
shift

for name in "$@"; do
    jq -n --arg name "$name" '{type: "email.welcome", payload: {name: $name}, tags: ["demo"]}'
done | jq -s . |
    curl -sS --fail-with-body "$url/v1/queues/$queue/jobs" -H 'Content-Type: application/json' -d @- |
    jq -r '.[].id'
