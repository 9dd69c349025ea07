#!/bin/sh
# shellcheck shell=dash
# The management commands of @BASE@ for @TARGET@: ./gantry --help lists them. Made by gantry @GANTRY@.

#@include locate.sh

#@include say.sh

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
