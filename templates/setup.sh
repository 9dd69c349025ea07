#!/bin/sh
# shellcheck shell=dash
# Installs this release as a service of this host. Needs root. Takes the arguments of ./gantry install.

#@include locate.sh

exec "$gantry_root/gantry" install "$@"
