# say CODE WHAT FILE FIX: prints a finding on stderr; for the journal ($JOURNAL_STREAM) with the priority of an error.
say() {
  case $(@HOST_PATH@ readlink "/proc/$$/fd/2" 2>/dev/null) in
  "socket:[${JOURNAL_STREAM##*:}]") gantry_level="<3>" ;;
  *) gantry_level= ;;
  esac
  printf "%s%s\n" "$gantry_level" "gantry: $1: $2" "$gantry_level" "  file  $3" "$gantry_level" "  fix   $4" >&2
}
