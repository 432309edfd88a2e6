#!/bin/sh
# One job: the payload comes on standard input, the result goes to standard output, and what is written
# to standard error is the job's log. Nothing of the payload is ever read by the shell.
path=$(jq -er .path) || { echo "the payload has no path" >&2; exit 65; } # dead
[ -e "$path" ] || { echo "there is no $path yet" >&2; exit 75; }           # again later
echo "attempt $TRANTER_ATTEMPT of $TRANTER_MAX_ATTEMPTS" >&2
sum=$(sha256sum <"$path") || exit
jq -cn --arg path "$path" --arg sum "${sum%% *}" '{path: $path, sha256: $sum}'
