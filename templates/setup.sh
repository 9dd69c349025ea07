#!/bin/sh
# shellcheck shell=dash
# Makes this release a service of this host, as root; takes what ./gantry install takes.

#@include locate.sh

exec "$gantry_root/gantry" install "$@"
