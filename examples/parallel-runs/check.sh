#!/bin/sh
# One of the runs of a job: looks at the site from one place. The results come in the order of the runs.
read -r site
set -- Dublin Frankfurt Ohio Oregon Singapore Tokyo
shift $((TRANTER_RUN - 1))
case $site in
    *"$1 is down"*) echo "no answer in $1" >&2; exit 1 ;;
esac
echo "ok from $1"
