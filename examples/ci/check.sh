#!/bin/sh
# The launch gate of a pipeline: judges what launches soon, writes what CI systems show, and ends as the gate does.
#
#   sh check.sh                         fails on what is critical, or could not be checked
#   sh check.sh --fail-on warning       arguments are handed on to `recsysops check`
#
# RECSYSOPS_SETTINGS   the settings file (recsysops.toml)
# WITHIN               how far ahead to look (7d)
# REPORTS              folder for the reports (reports)
set -u

settings=${RECSYSOPS_SETTINGS:-recsysops.toml}
within=${WITHIN:-7d}
reports=${REPORTS:-reports}

# What was delivered since the last time; a file that cannot be read ends the pipeline here.
recsysops --settings "$settings" ingest --quiet || exit $?

# The table is printed, the report goes to the file; the exit code is the gate's.
recsysops --settings "$settings" check --launching-within "$within" \
    --format junit --output "$reports/recsysops.xml" "$@"
verdict=$?
[ "$verdict" -le 1 ] || exit "$verdict"

# The same answer for code scanning: its own exit code says nothing new.
recsysops --settings "$settings" check --launching-within "$within" \
    --format sarif --output "$reports/recsysops.sarif" "$@" > /dev/null || [ $? -eq 1 ] || exit 3

exit "$verdict"
