#!/bin/sh
# shellcheck shell=dash
# @BASE@ for @TARGET@, release @RELEASE@. Makes the native modules ready when they are not, then
# becomes the app: same process, descriptors, limits and arguments. Made by gantry @GANTRY@.

#@include locate.sh

#@include say.sh

#@include program-@PROGRAM@.sh

# launch ARGS...: this process becomes the app.
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
  '' | "$gantry_modules") NODE_PATH=$gantry_modules ;;
  "$gantry_modules":*) ;;
  *) NODE_PATH=$gantry_modules:$NODE_PATH ;;
  esac
  GANTRY_MODULES=$gantry_modules
  export NODE_PATH GANTRY_MODULES
  trap 'exec_failed' EXIT
  run_app "$@"
}

# exec_failed: the program exists, and the system does not run it.
exec_failed() {
  say EXEC_FAILED "the binary could not be started" "$gantry_program" "@EXEC_FIX@"
  exit 71
}

#@include machine-id.sh

# ready: succeeds if these modules were proven on this host, and neither the C library nor a native file changed since.
ready() {
  gantry_stamp=$gantry_modules/.gantry/@RELEASE@-$gantry_host
  [ -f "$gantry_stamp" ]@SAME_PROGRAM@ && [ -x "$gantry_program" ] && [ -e @INTERPRETER@ ] &&
    ! [ "$gantry_program" -nt "$gantry_stamp" ]@LIBC_CHECKS@@NATIVE_CHECKS@ &&
    believed@ELSE_PROGRAM@
}

# believed: succeeds if this user may trust the stamp. Modules beside this script are trusted as the script is, unless other
# users may write there. Root, and every user for modules from a store, needs a note that the same user has written: the
# stamp may be another user's, and a link may be changed after the check, see src/modules/proof/note.ts.
believed() {
  gantry_line=$gantry_root
  if [ "$gantry_modules" = "$gantry_root/node_modules" ]; then
    case ,${GANTRY_SKIP-}, in *,STORE_UNSAFE,*) return 0 ;; esac
    if ! [ -O / ] && { ! [ -w "$gantry_root" ] || [ -O "$gantry_root" ] || [ -G "$gantry_root" ]; }; then return 0; fi
  else
    gantry_line=$gantry_root//$gantry_modules
    if [ -h "$gantry_place" ]; then return 1; fi
  fi
  if [ -O / ]; then gantry_line="root $gantry_line"; else gantry_line="user $gantry_line"; fi
  # The note was true when it was written. A later chown is seen by the owners.
  [ -O "$gantry_modules/.." ] && [ -O "$gantry_modules" ] && [ -f "$gantry_stamp@NOTE@" ] && { noted 9<"$gantry_stamp@NOTE@"; } 2>/dev/null
}

# noted: succeeds if the open file is a note of this user with this path. The open file is checked, because its name may
# lead to another file by now.
noted() {
  [ -f /proc/self/fd/9 ] && [ -O /proc/self/fd/9 ] && [ -k /proc/self/fd/9 ] && [ -s /proc/self/fd/9 ] || return 1
  while IFS= read -r gantry_note; do
    if [ "$gantry_note" = "$gantry_line" ]; then return 0; fi
  done <&9
  return 1
}

gantry_modules=$gantry_root/node_modules
if [ -n "$gantry_host" ] && ready; then launch "$@"; fi

#@include processor.sh

#@include os-release.sh

gantry_has=yes
if [ -z "$gantry_host" ]; then
  # Without a machine id, a stamp may be another machine's, as in an image: so the processor is checked here.
  read_processor
  read_os_release
  if [ "$gantry_has" != no ] && ready; then launch "$@"; fi
fi

# in_store VARIABLE: sets the path of these modules in the variable's store, by the rules of src/release/store.ts.
in_store() {
  case $1 in
  GANTRY_STORE) gantry_place=${GANTRY_STORE-} ;;
  STATE_DIRECTORY) gantry_place=${STATE_DIRECTORY-} gantry_place=${gantry_place%%:*} ;;
  CACHE_DIRECTORY) gantry_place=${CACHE_DIRECTORY-} gantry_place=${gantry_place%%:*} ;;
  XDG_CACHE_HOME) gantry_place=${XDG_CACHE_HOME-} ;;
  *) gantry_place=${HOME:+${HOME%/}/.cache} ;;
  esac
  gantry_temporary=${TMPDIR-} gantry_temporary=${gantry_temporary%/}
  case $gantry_temporary in /*) ;; *) gantry_temporary=/tmp ;; esac
  case ${gantry_place%/}/ in
  [!/]* | / | *//* | */./* | */../* | /tmp/* | /var/tmp/* | "$gantry_temporary"/*) return 1 ;;
  esac
  gantry_place=${gantry_place%/}/@STORE_TREE@
  gantry_modules=$gantry_place/node_modules
}

for gantry_variable in @STORES@; do
  if [ "$gantry_has" != no ] && in_store "$gantry_variable" && [ -f "$gantry_place/@STORE_USED@$gantry_root/@RELEASE@-$gantry_host" ] && ready; then launch "$@"; fi
done

#@include run-launcher.sh

#@include refuse.sh

#@include trust.sh

# leave: from here on signals end the process at once. If one came before, it ends the process now.
leave() {
  trap - TERM INT HUP
  # The launcher removes the start gate, unless it ended too early.
  if [ -n "$gantry_mine" ] && { IFS= read -r gantry_first <"$gantry_gate"; } 2>/dev/null && [ "$gantry_first" = "$$" ]; then
    PATH=/usr/bin:/bin${PATH:+:$PATH} rm -f "$gantry_gate" 2>/dev/null
  fi
  if [ -n "$gantry_ended" ]; then
    kill -s "$gantry_ended" $$
    exit 143
  fi
}

check_trust "$@"
check_machine
gantry_ended='' gantry_child='' gantry_mine=''
trap 'gantry_ended=TERM; [ -z "$gantry_child" ] || kill -s TERM "$gantry_child" 2>/dev/null' TERM
trap 'gantry_ended=INT; [ -z "$gantry_child" ] || kill -s TERM "$gantry_child" 2>/dev/null' INT
trap 'gantry_ended=HUP; [ -z "$gantry_child" ] || kill -s TERM "$gantry_child" 2>/dev/null' HUP
# The start gate: of many starts at once one goes on, and the others wait here for a second at most, which costs less than
# a launcher each. The launcher removes the gate. It is not needed for safety: every launcher takes the lock.
gantry_modules=$gantry_root/node_modules gantry_gate=$gantry_root/@START_GATE@ gantry_turn=''
if { set -C && echo "$$" >"$gantry_gate"; } 2>/dev/null; then
  gantry_mine=yes
elif [ -f "$gantry_gate" ]; then
  while [ -z "$gantry_ended" ] && [ "$gantry_turn" != ...................... ]; do
    gantry_turn=$gantry_turn.
    if ready; then
      leave
      launch "$@"
    fi
    { IFS= read -r gantry_first <"$gantry_gate" && kill -s 0 "$gantry_first" && PATH=/usr/bin:/bin${PATH:+:$PATH} sleep 0.05; } 2>/dev/null || break
  done
fi
set +C
if [ -n "$gantry_ended" ]; then leave; fi
{
  # If stderr is closed, a redirection to it would end the shell.
  if ! (: >&2); then exec 2>/dev/null; fi
  run_launcher start "$gantry_root" </dev/null >&2
} &
gantry_child=$!
if [ -n "$gantry_ended" ]; then kill -s TERM "$gantry_child" 2>/dev/null; fi
wait "$gantry_child"
gantry_status=$?
while kill -s 0 "$gantry_child" 2>/dev/null; do
  wait "$gantry_child"
  gantry_status=$?
done
leave
# The launcher's exit status tells where the modules are.
case $gantry_status in
0) gantry_modules=$gantry_root/node_modules ;;
@STORE_CASES@
# The shell's own statuses for a program that cannot be executed or is not found (POSIX 2.8.2).
126 | 127) exec_failed ;;
# The launcher's errors have statuses of sysexits.h, and it has printed them. Any other status has another cause: a signal,
# or a disk that cannot be read.
6[4-9] | 7[0-8]) exit "$gantry_status" ;;
*)
  check_illegal "$gantry_status"
  say IO_FAILED "the launcher ended with status $gantry_status before it could say why" "$gantry_root/lib" \
    "start again; 137 is SIGKILL, as when memory is short; else see the lines above, and check the disk"
  exit 74
  ;;
esac
launch "$@"
