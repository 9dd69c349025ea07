# say CODE WHAT FILE FIX: a finding on standard error, laid out as the launcher lays it out. The journal takes an error's
# priority from the beginning of each line (sd-daemon(3)); standard error is the journal when systemd says so.
say() {
  case $(readlink "/proc/$$/fd/2" 2>/dev/null) in
  "socket:[${JOURNAL_STREAM##*:}]") level='<3>' ;;
  *) level= ;;
  esac
  printf '%s%s\n' "$level" "gantry: $1: $2" "$level" "  file  $3" "$level" "  fix   $4" >&2
}
