#!/bin/sh
# A command that leaves one line in the journal for its job.
read -r payload
# The worker may have been killed before it wrote anything.
case $payload in
    *"}") ;;
    *) exit 75 ;;
esac
number=${payload#*:}
number=${number%\}}
echo "effect exec ${number# } $TRANTER_JOB_ID $TRANTER_ATTEMPT" >>"$JOURNAL"
echo "$number"
