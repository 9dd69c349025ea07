#!/bin/sh
# shellcheck shell=dash
# @BASE@ for @TARGET@, release @RELEASE@. Makes the native modules ready when they are not, then
# becomes the app: same process, descriptors, limits and arguments. Made by gantry @GANTRY@.

#@include locate.sh

#@include machine-id.sh

#@include program-@PROGRAM@.sh

# The warm start comes first, without functions, and only where no variable needs attention: the shell reads this file as it
# goes, and each line costs time. The parts are explained at the functions below, which consist of the same lines.
gantry_modules=$gantry_root/node_modules gantry_in=''
if [ -n "$gantry_host" ] && case @ATTENTION@ in ?*) false ;; esac && {
  #@include proven.sh
} && {
  #@include own-tree.sh
}; then
  NODE_PATH=$gantry_modules GANTRY_MODULES=$gantry_modules
  #@include exec-app.sh
fi
@FORGET@

#@include say.sh

# launch ARGS...: this process becomes the app. If exec fails, the program exists and the system does not run it. Then the
# shell ends, and the trap runs the other script, which reports it. Here its text would cost each start time.
launch() {
  #@include become-app.sh
}

# ready: succeeds if these modules were proven on this host, and neither the C library nor a native file changed since.
# Whether the stamp may be believed is another question.
ready() {
  #@include proven.sh
}

# believed: succeeds if this user may trust the stamp, which may be another user's. Modules beside this script are trusted as
# the script is, unless other users may write there. Root, and every user for modules from a store, needs a note that the same
# user has written for these very paths, see src/modules/proof/note.ts. The note is looked up in the open directory, because
# the path may lead to another one between two tests. The owners show a later chown.
believed() {
  #@include believed.sh
}

# usable: succeeds if there are proven modules that this user may trust.
usable() {
  if ready && { believed; } 2>/dev/null; then return 0; fi
  @FORGET@
  return 1
}

if [ -n "$gantry_host" ] && usable; then launch "$@"; fi

#@include processor.sh

#@include os-release.sh

gantry_has=yes
if [ -z "$gantry_host" ]; then
  # Without a machine id, a stamp may be another machine's, as in an image: so the processor is checked here.
  read_processor
  read_os_release
  if [ "$gantry_has" != no ] && usable; then launch "$@"; fi
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
  gantry_modules=$gantry_place/node_modules gantry_in=/@NOTE_STORE@$gantry_place
  ! [ -h "$gantry_place" ]
}

for gantry_variable in @STORES@; do
  if [ "$gantry_has" != no ] && in_store "$gantry_variable" && [ -f "$gantry_place/@STORE_USED@$gantry_root/@RELEASE@-$gantry_host" ] && usable; then launch "$@"; fi
done

#@include launcher-@PROGRAM@.sh

#@include run-launcher.sh

#@include refuse.sh

#@include trust.sh

# leave: from here on signals end the process at once. If one came before, it ends the process now.
leave() {
  trap - TERM INT HUP
  # The launcher removes the start gate, unless it ended too early.
  if [ -n "$gantry_mine" ] && { IFS= read -r gantry_first <"$gantry_gate"; } 2>/dev/null && [ "$gantry_first" = "$$" ]; then
    @HOST_PATH@ rm -f "$gantry_gate" 2>/dev/null
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
gantry_modules=$gantry_root/node_modules gantry_in='' gantry_gate=$gantry_root/@START_GATE@ gantry_turn=''
if { set -C && echo "$$" >"$gantry_gate"; } 2>/dev/null; then
  gantry_mine=yes
elif [ -f "$gantry_gate" ]; then
  while [ -z "$gantry_ended" ] && [ "$gantry_turn" != ...................... ]; do
    gantry_turn=$gantry_turn.
    if usable; then
      leave
      launch "$@"
    fi
    { IFS= read -r gantry_first <"$gantry_gate" && kill -s 0 "$gantry_first" && @HOST_PATH@ sleep 0.05; } 2>/dev/null || break
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
126 | 127) exec /bin/sh "$gantry_root/gantry" exec-failed "$gantry_program" ;;
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
