#!/bin/sh
# One of the ten runs of a job of one user.
echo "machine $TRANTER_RUN of $TRANTER_RUNS for $TRANTER_GROUP"
