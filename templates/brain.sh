#!/bin/sh
# shellcheck shell=dash
# @BASE@ for @TARGET@, release @RELEASE@. Makes the native modules ready when they are not, then
# becomes the app: same process, descriptors, limits and arguments. Made by gantry @GANTRY@.

#@include locate.sh

#@include say.sh

#@include program-@PROGRAM@.sh

# launch ARGS...: the app takes over this process.
launch() {
  unset BUN_BE_BUN BUN_OPTIONS @VARIABLES@
  while :; do
    case ${NODE_PATH-} in
    :*) NODE_PATH=${NODE_PATH#:} ;;
    *:) NODE_PATH=${NODE_PATH%:} ;;
    *::*) NODE_PATH=${NODE_PATH%%::*}:${NODE_PATH#*::} ;;
    *) break ;;
    esac
  done
  case ${NODE_PATH-} in
  '' | "$modules") NODE_PATH=$modules ;;
  "$modules":*) ;;
  *) NODE_PATH=$modules:$NODE_PATH ;;
  esac
  GANTRY_MODULES=$modules
  export NODE_PATH GANTRY_MODULES
  trap 'exec_failed' EXIT
  run_app "$@"
}

# exec_failed: the program is there, and yet the system does not run it.
exec_failed() {
  say EXEC_FAILED "the binary could not be started" "$program" "@EXEC_FIX@"
  exit 71
}

# This host's name, as src/release/stamp.ts spells it.
host=
if [ -r /etc/machine-id ]; then IFS= read -r host </etc/machine-id; fi
case $host in
*[!0123456789abcdef]*) host= ;;
????????????????????????????????) ;;
*) host= ;;
esac
if [ -z "$host" ]; then
  id='' version='' seen=''
  if [ -r /etc/os-release ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in
      ID=* | VERSION_ID=*) ;;
      *) continue ;;
      esac
      key=${line%%=*} value=${line#*=}
      case $seen in *" $key "*) continue ;; esac
      seen="$seen $key "
      case $value in
      \"*\" | \'*\') value=${value#?} value=${value%?} ;;
      esac
      case $value in *[!A-Za-z0-9._-]*) value= ;; esac
      case $key in
      ID) id=$value ;;
      *) version=$value ;;
      esac
    done </etc/os-release
  fi
  host=$id-$version
  if [ "$host" = - ]; then host=unknown; fi
fi

# ready: were these modules proven on this host, and has neither the C library nor a native file changed since?
ready() {
  stamp=$modules/.gantry/@RELEASE@-$host
  [ -f "$stamp" ]@SAME_PROGRAM@ && [ -x "$program" ] && [ -e @INTERPRETER@ ] &&
    ! [ "$program" -nt "$stamp" ]@LIBC_CHECKS@@NATIVE_CHECKS@
}

# in_store VARIABLE: where the store that the variable names keeps these modules, spelled as in src/release/store.ts.
in_store() {
  case $1 in
  GANTRY_STORE) place=${GANTRY_STORE-} ;;
  STATE_DIRECTORY) place=${STATE_DIRECTORY-} place=${place%%:*} ;;
  CACHE_DIRECTORY) place=${CACHE_DIRECTORY-} place=${place%%:*} ;;
  XDG_CACHE_HOME) place=${XDG_CACHE_HOME-} ;;
  *) place=${HOME:+${HOME%/}/.cache} ;;
  esac
  temporary=${TMPDIR-} temporary=${temporary%/}
  case $temporary in /*) ;; *) temporary=/tmp ;; esac
  case ${place%/}/ in
  [!/]* | / | *//* | */./* | */../* | /tmp/* | /var/tmp/* | "$temporary"/*) return 1 ;;
  esac
  place=${place%/}/@STORE_TREE@
  modules=$place/node_modules
}

# trusted VARIABLE: may this user run what lies there? What the user made; and what GANTRY_STORE names, except for root.
trusted() {
  ! [ -h "$place" ] && { [ -O "$place" ] || { [ "$1" = GANTRY_STORE ] && ! [ -O / ]; }; }
}

modules=$root/node_modules
if ready; then launch "$@"; fi
for variable in @STORES@; do
  if in_store "$variable" && trusted "$variable" && [ -f "$place/@STORE_USED@$root/@RELEASE@-$host" ] && ready; then launch "$@"; fi
done

#@include refuse.sh

# leave: from here on signals act at once; one that came before does now.
leave() {
  trap - TERM INT HUP
  # A launcher that ended before its work could not remove the claim.
  if [ -n "$mine" ] && { IFS= read -r first <"$claim"; } 2>/dev/null && [ "$first" = "$$" ]; then
    rm -f "$claim" 2>/dev/null
  fi
  if [ -n "$ended" ]; then
    kill -s "$ended" $$
    exit 143
  fi
}

check_machine
ended='' child='' mine=''
trap 'ended=TERM; [ -z "$child" ] || kill -s TERM "$child" 2>/dev/null' TERM
trap 'ended=INT; [ -z "$child" ] || kill -s TERM "$child" 2>/dev/null' INT
trap 'ended=HUP; [ -z "$child" ] || kill -s TERM "$child" 2>/dev/null' HUP
# Of many starts at once one goes on, and the others wait here for a second at most: that costs less than a runtime for
# each. The launcher removes the claim, and its lock decides; without a claim all go on.
modules=$root/node_modules claim=$root/@CLAIM@ turn=''
if { set -C && echo "$$" >"$claim"; } 2>/dev/null; then
  mine=yes
elif [ -f "$claim" ]; then
  while [ -z "$ended" ] && [ "$turn" != ...................... ]; do
    turn=$turn.
    if ready; then
      leave
      launch "$@"
    fi
    { IFS= read -r first <"$claim" && kill -s 0 "$first" && sleep 0.05; } 2>/dev/null || break
  done
fi
set +C
if [ -n "$ended" ]; then leave; fi
run_launcher start "$root" </dev/null >&2 &
child=$!
if [ -n "$ended" ]; then kill -s TERM "$child" 2>/dev/null; fi
wait "$child"
status=$?
while kill -s 0 "$child" 2>/dev/null; do
  wait "$child"
  status=$?
done
leave
# The launcher says where the modules are.
case $status in
0) modules=$root/node_modules ;;
@STORE_CASES@
# The shell's own words for a program that cannot be executed or is not found (POSIX 2.8.2).
126 | 127) exec_failed ;;
*) exit "$status" ;;
esac
launch "$@"
