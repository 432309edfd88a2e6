#!/usr/bin/env bash
# Runs the jobs of a queue, one at a time, until SIGTERM or Ctrl-C: ./worker.sh mail
set -euo pipefail
url=${TRANTER_URL:-http://127.0.0.1:9325}
queue=$1
lease=30 # seconds; the server gives the job to another worker when it hears nothing for so long

call() { # PATH BODY
    curl -sS --fail-with-body "$url/v1/queues/$queue/$1" -H 'Content-Type: application/json' -d "$2"
}

# The work: reads the payload from stdin, prints the result as JSON.
email_welcome() {
    local name
    name=$(jq -er .name) || return
    echo "welcome, $name" >&2
    jq -n --arg name "$name" '{greeted: $name}'
}

renew_lease() { # RECEIPT
    while sleep $((lease / 3)); do
        call extend "$(jq -n --arg receipt "$1" --arg lease "${lease}s" '$ARGS.named')" >/dev/null ||
            echo "cannot renew the lease" >&2
    done
}

run() { # JOB
    local receipt type result heartbeat outcome body
    receipt=$(jq -r .receipt <<<"$1")
    type=$(jq -r .type <<<"$1")
    renew_lease "$receipt" &
    heartbeat=$!
    if [ "$type" != email.welcome ]; then
        outcome=dead
        body=$(jq -n --arg receipt "$receipt" --arg reason "no handler for $type" '$ARGS.named')
    elif result=$(jq .payload <<<"$1" | email_welcome); then
        outcome=complete
        body=$(jq -n --arg receipt "$receipt" --argjson result "$result" '$ARGS.named')
    else
        # The server tries again, as the retry policy of the job says.
        outcome=fail
        body=$(jq -n --arg receipt "$receipt" \
            '{receipt: $receipt, error: {type: "exit", text: "the handler failed"}}')
    fi
    kill "$heartbeat"
    call "$outcome" "$body" >/dev/null || echo "the outcome was refused" >&2
}

stopping=
trap 'stopping=yes' TERM INT
while [ -z "$stopping" ]; do
    answer=$(call receive "{\"jobs_max\": 1, \"lease\": \"${lease}s\", \"wait\": \"5s\"}") || {
        echo "${answer:-no answer}; trying again" >&2
        sleep 1
        continue
    }
    job=$(jq -c '.jobs[0] // empty' <<<"$answer")
    [ -z "$job" ] || run "$job"
done
