#!/bin/sh
# shellcheck shell=dash
# The management commands of @BASE@ for @TARGET@: ./gantry --help lists them. Made by gantry @GANTRY@.

#@include locate.sh

#@include say.sh

# The start script calls this when its exec has failed: the program exists, and the system does not run it.
if [ "${1-}" = exec-failed ]; then
  say EXEC_FAILED "the binary could not be started" "${2-}" "@EXEC_FIX@"
  exit 71
fi

#@include program-@PROGRAM@.sh

#@include launcher-@PROGRAM@.sh

#@include processor.sh

#@include run-launcher.sh

#@include refuse.sh

#@include trust.sh

#@include from-home.sh

if ! is_trusted; then from_home "$@"; fi
check_machine
run_launcher "$@"
