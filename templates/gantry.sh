#!/bin/sh
# shellcheck shell=dash
# The management commands of @BASE@ for @TARGET@: ./gantry --help lists them. Made by gantry @GANTRY@.

#@include locate.sh

#@include refuse.sh

check_machine
unset BUN_OPTIONS NODE_PATH
# The second keeps Bun from writing what it makes of large scripts below the caller's home directory.
export BUN_BE_BUN=1 BUN_RUNTIME_TRANSPILER_CACHE_PATH=0
exec "$root/lib/@BINARY@" --config=/dev/null --env-file=/dev/null --no-install "$root/lib/launcher.mjs" "$@"
