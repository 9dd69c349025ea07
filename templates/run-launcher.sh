# become_clean PROGRAM ARGS...: becomes a program that nothing of the caller steers: it runs in the release's own directory,
# and of the caller's variables it has those of src/release/caller.ts alone. Only called where this process ends with it.
become_clean() {
  unset GANTRY_PROBE GANTRY_MODULES GANTRY_LIBRARY_PATH
  export GANTRY_LAUNCHER=1 GANTRY_DIRECTORY="${PWD-}"
  # The load probe has to see what the app will see. Root's has nothing of it: who calls root must not choose libraries.
  if [ -n "${LD_LIBRARY_PATH-}" ] && ! [ -O / ]; then export GANTRY_LIBRARY_PATH="$LD_LIBRARY_PATH"; fi
  @ABSOLUTE_PATHS@
  set -f
  # `export -p` writes each variable at the beginning of a line (POSIX). A line of a value that looks like one can only
  # drop a variable too many.
  gantry_exported=$(export -p)
  case $gantry_exported in
  *GANTRY_LAUNCHER=*) ;;
  *)
    say IO_FAILED "this shell does not list its variables, so they cannot be kept from the launcher" "$gantry_root" "run it by another POSIX shell: sh $0"
    exit 74
    ;;
  esac
  IFS='
'
  for gantry_line in $gantry_exported; do
    case $gantry_line in
    "export "* | "declare -"* | "typeset -"*) ;;
    *) continue ;;
    esac
    gantry_name=${gantry_line%%=*} gantry_name=${gantry_name##* }
    case $gantry_name in
    # The last are bash's own, which it does not let go, and which steer nothing else.
    gantry_* | '' | "$gantry_needs" | [!A-Za-z_]* | *[!A-Za-z0-9_]* | SHELLOPTS | BASHOPTS | UID | EUID | PPID) ;;
    @KEPT_VARIABLES@) ;;
    *) unset "$gantry_name" ;;
    esac
  done
  if ! cd -- "$gantry_root" 2>/dev/null; then
    say PERMISSION_DENIED "the release's directory cannot be entered" "$gantry_root" "chmod it and the directories above it to 755, or run this as its owner"
    exit 77
  fi
  unset OLDPWD
  exec "$@"
}
