# say CODE WHAT FILE FIX: a finding on standard error, laid out as the launcher lays it out. The journal takes an error's
# priority from the beginning of each line (sd-daemon(3)); standard error is the journal when systemd says so.
say() {
  case $(PATH=/usr/bin:/bin${PATH:+:$PATH} readlink "/proc/$$/fd/2" 2>/dev/null) in
  "socket:[${JOURNAL_STREAM##*:}]") gantry_level='<3>' ;;
  *) gantry_level= ;;
  esac
  printf '%s%s\n' "$gantry_level" "gantry: $1: $2" "$gantry_level" "  file  $3" "$gantry_level" "  fix   $4" >&2
}
