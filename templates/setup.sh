#!/bin/sh
# shellcheck shell=dash
# Makes the modules of this release ready on this host, so that the first start has nothing left to do.

#@include locate.sh

exec "$root/gantry" prepare "$@"
