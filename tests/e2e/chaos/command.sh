#!/bin/sh
# A command that leaves one line in the journal for its job.
read -r payload
number=${payload#*:}
number=${number%\}}
echo "effect exec ${number# } $TRANTER_JOB_ID $TRANTER_ATTEMPT" >>"$JOURNAL"
echo "$number"
