# say CODE WHAT FILE FIX: prints a finding on stderr, in the launcher's format. If stderr is the journal ($JOURNAL_STREAM,
# systemd.exec(5)), each line begins with the priority of an error (sd-daemon(3)).
say() {
  case $(PATH=/usr/bin:/bin${PATH:+:$PATH} readlink "/proc/$$/fd/2" 2>/dev/null) in
  "socket:[${JOURNAL_STREAM##*:}]") gantry_level='<3>' ;;
  *) gantry_level= ;;
  esac
  printf '%s%s\n' "$gantry_level" "gantry: $1: $2" "$gantry_level" "  file  $3" "$gantry_level" "  fix   $4" >&2
}
