#!/bin/sh
# Loads what is new, builds, publishes and notifies. Run it as often as you like: what is there
# already is skipped, and without anything new nothing is built.
#
# What fails is said in one line and stops no other load; at the end the exit code is 1 then.
#
# From the environment, beside INFRASPEND_WAREHOUSE and INFRASPEND_SEEDS:
#   BILL                   what `load aws-cur --from` takes
#   KUBERNETES, PLATFORMS  the same for usage, where you have some
#   PUBLISH_TO, DASHBOARD  what `publish --to` and `dashboard --to` take; without them it is published
#                          beside the warehouse only, and there are no pages
#   INFRASPEND_NOTIFY      the file of services, to notify people
set -u
failed=0

infraspend load aws-cur --from "$BILL" || failed=1
[ -z "${KUBERNETES:-}" ] || infraspend load kubernetes --from "$KUBERNETES" || failed=1
[ -z "${PLATFORMS:-}" ] || infraspend load platforms --from "$PLATFORMS" || failed=1

if infraspend build && infraspend publish; then
    [ -z "${PUBLISH_TO:-}" ] || infraspend publish --to "$PUBLISH_TO" || failed=1
    [ -z "${DASHBOARD:-}" ] || infraspend dashboard --to "$DASHBOARD" || failed=1
else
    failed=1
fi

# After a build that failed, too: people hear of it.
[ -z "${INFRASPEND_NOTIFY:-}" ] || infraspend notify || failed=1
exit $failed
