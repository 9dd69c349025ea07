# become_clean PROGRAM ARGS...: becomes a program that the caller cannot steer: it runs in the release's directory, and of the
# caller's variables it gets only those of src/release/start/caller.ts. This process becomes that program.
become_clean() {
  unset GANTRY_PROBE GANTRY_MODULES GANTRY_LIBRARY_PATH
  export GANTRY_LAUNCHER=1 GANTRY_DIRECTORY="${PWD-}"
  # The load probe needs the variable that the app will have. Not for root, whose caller must not choose libraries.
  if [ -n "${LD_LIBRARY_PATH-}" ] && ! [ -O / ]; then export GANTRY_LIBRARY_PATH="$LD_LIBRARY_PATH"; fi
  @ABSOLUTE_PATHS@
  set -f
  # `export -p` writes each variable at the start of a line (POSIX). If a line of a value looks like one, at most one more
  # variable is unset.
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
    # The last five are bash's own, which it cannot unset, and which steer no other program.
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
