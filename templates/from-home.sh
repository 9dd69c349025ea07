# A user called root (sudo, doas, pkexec) from the user's own copy of the release. A process of that user could change the
# copy while root runs it. So root copies the files of SHA256SUMS, with the host's own programs, to a directory that only
# root can write to, checks the copy, and runs that.

# from_home COMMAND...: runs the command from a copy, because other users can change this release.
from_home() {
  read_caller
  gantry_installed=/opt/@BINARY@/current/gantry
  # A copy of the release would be run by the same Node of the host.
  gantry_owners=$gantry_uid
  if ! is_safe_program; then refuse_unsafe gantry "$@"; fi
  if [ -z "$gantry_caller" ] || ! is_safe "$gantry_caller"; then refuse_third "$@"; fi
  case ${1-} in
  install | upgrade) ;;
  status | history | rollback | clean | uninstall)
    if is_installed; then refuse_better "$gantry_sudo$gantry_installed" "$@"; fi
    refuse_without "$@"
    ;;
  *) refuse_without "$@" ;;
  esac
  if ! copy_release; then
    host rm -rf -- "$gantry_copy"
    gantry_todo=''
    refuse_third "$@"
  fi
  trap 'gantry_ended=TERM; kill -s TERM "$gantry_child" 2>/dev/null' TERM
  trap 'gantry_ended=INT; kill -s INT "$gantry_child" 2>/dev/null' INT
  trap 'gantry_ended=HUP; kill -s HUP "$gantry_child" 2>/dev/null' HUP
  gantry_ended=''
  "$gantry_copy/gantry" "$@" </dev/null &
  gantry_child=$!
  wait "$gantry_child"
  gantry_status=$?
  while kill -s 0 "$gantry_child" 2>/dev/null; do
    wait "$gantry_child"
    gantry_status=$?
  done
  host rm -rf -- "$gantry_copy"
  trap - TERM INT HUP
  if [ -n "$gantry_ended" ]; then kill -s "$gantry_ended" $$; fi
  exit "$gantry_status"
}

# is_installed: succeeds if there is a gantry that only root can change. In a subshell, as its variables are for another path.
is_installed() (
  gantry_owners=0
  walk "$gantry_installed" && [ -z "$gantry_missing" ] && look holds "$gantry_physical"
)

# has_line PATTERN FILE: succeeds if a line of the file, which is root's, matches.
has_line() {
  while IFS= read -r gantry_line || [ -n "$gantry_line" ]; do
    # shellcheck disable=SC2254
    case $gantry_line in $1) return 0 ;; esac
  done <"$2"
  return 1
}

# is_pinned: succeeds if the service takes only releases that its publisher signed, by its memory
# (src/service/keys/memory.ts), or by the installed manifest if there is no memory yet.
is_pinned() {
  gantry_keys=/var/lib/gantry/@BINARY@/keys.json
  if [ -f "$gantry_keys" ]; then
    ! has_line '*"pinned":\[\]*' "$gantry_keys"
  else
    [ -f "/opt/@BINARY@/current/lib/release.json" ] && has_line '*"publicKey":*' "/opt/@BINARY@/current/lib/release.json"
  fi
}

# refuse_third COMMAND...: refuses a release of a third user. The fix uses an installed gantry if there is one. If no key is
# pinned, the person has to name the publisher's. An unsigned release cannot be checked by a key.
refuse_third() {
  case $gantry_uid:${1-} in
  0:install)
    if is_installed; then
      word "$gantry_root"
      gantry_better="$gantry_sudo$gantry_installed upgrade $gantry_word"
      if [ -f "$gantry_root/SHA256SUMS.minisig" ] && ! is_pinned; then gantry_better="$gantry_better --public-key KEY"; fi
    fi
    ;;
  0:upgrade)
    if is_installed; then
      words "$@"
      gantry_better="$gantry_sudo$gantry_installed$gantry_words"
    fi
    ;;
  esac
  refuse_unsafe gantry "$@"
}

# refuse_better PROGRAM COMMAND...: names a program of root's that does the same, and ends.
refuse_better() {
  gantry_program=$1
  shift
  is_safe 0
  words "$@"
  gantry_better=$gantry_program$gantry_words
  refuse_unsafe gantry "$@"
}

# refuse_without COMMAND...: the calling user can run this without root: says so, and ends.
refuse_without() {
  word "$gantry_root/gantry"
  refuse_better "$gantry_word" "$@"
}

# broken CODE WHAT STATUS: the release cannot be copied: says so, and ends.
broken() {
  if [ -n "${gantry_copy-}" ]; then host rm -rf -- "$gantry_copy"; fi
  say "$1" "$2" "$gantry_root/SHA256SUMS" "unpack the release archive again"
  exit "$3"
}

# copy_release: copies into a new directory that only root can write to, beside /opt/@BINARY@, where programs can be run.
# Fails for a file that other users can change.
copy_release() {
  host mkdir -p -m 755 /opt
  gantry_owners=0
  if ! { walk /opt && look holds "${gantry_physical:-/}"; }; then refuse_directory; fi
  gantry_owners=$gantry_caller
  for gantry_copy in /opt/.gantry-copy.*; do
    if [ -d "$gantry_copy" ] && ! kill -s 0 "${gantry_copy##*.}" 2>/dev/null; then host rm -rf -- "$gantry_copy"; fi
  done
  umask 022
  gantry_copy=/opt/.gantry-copy.$$
  host rm -rf -- "$gantry_copy"
  if ! host mkdir -m 700 "$gantry_copy"; then
    say STORE_UNWRITABLE "the release cannot be copied to where it is root's alone" "$gantry_copy" "make /opt writable for root"
    exit 73
  fi
  if ! [ -f "$gantry_root/SHA256SUMS" ]; then broken RELEASE_FILE_MISSING "a file of the release is not there" 66; fi
  copy_file SHA256SUMS || return 1
  while IFS= read -r gantry_line; do copy_file "${gantry_line#*  }" || return 1; done <"$gantry_copy/SHA256SUMS"
  for gantry_file in "$gantry_root/SHA256SUMS.minisig" "$gantry_root"/vendor/*.minisig; do
    if [ -f "$gantry_file" ]; then copy_file "${gantry_file#"$gantry_root/"}" || return 1; fi
  done
  # Prepared modules are copied too: the launcher compares each file with the manifest.
  if [ -d "$gantry_root/node_modules" ] && ! [ -h "$gantry_root/node_modules" ]; then
    host cp -R -P -- "$gantry_root/node_modules" "$gantry_copy/" && host rm -rf -- "$gantry_copy/node_modules/.gantry"
  fi
  # Without sha256sum only the launcher checks the copy.
  if [ -n "$(host sha256sum /dev/null)" ] && ! (cd "$gantry_copy" && host sha256sum -c SHA256SUMS >/dev/null); then
    broken DIGEST_MISMATCH "a file of the release is not as SHA256SUMS says" 65
  fi
}

# copy_file NAME: copies a regular file of the release, after the rule was applied to it and every directory above it.
copy_file() {
  case /$1/ in
  */../* | */./* | *//* | *\\*) broken ARCHIVE_UNSAFE "SHA256SUMS names a path that leads out of the release: $1" 65 ;;
  esac
  gantry_rest=$1 gantry_above=''
  while :; do
    case $gantry_rest in
    */*) gantry_above=$gantry_above/${gantry_rest%%/*} gantry_rest=${gantry_rest#*/} ;;
    *) break ;;
    esac
    if ! [ -d "$gantry_copy$gantry_above" ]; then
      if ! look holds "$gantry_root$gantry_above"; then return 1; fi
      case $gantry_mode in d*) ;; *) broken ARCHIVE_UNSAFE "SHA256SUMS names a path that leads out of the release: $1" 65 ;; esac
      host mkdir -m 755 "$gantry_copy$gantry_above"
    fi
  done
  if ! look holds "$gantry_root/$1"; then return 1; fi
  case $gantry_missing$gantry_mode in
  -*) ;;
  yes*) broken RELEASE_FILE_MISSING "$1 is not there" 66 ;;
  *) broken ARCHIVE_UNSAFE "$1 is no regular file" 65 ;;
  esac
  if ! host cp -- "$gantry_root/$1" "$gantry_copy/$1"; then broken IO_FAILED "$1 cannot be copied to $gantry_copy" 74; fi
}

# refuse_directory: other users could change the copy: says so, and ends.
refuse_directory() {
  digits "$gantry_mode"
  word "$gantry_where"
  say STORE_UNSAFE "root would install into what others can change: $gantry_where $gantry_why (mode $gantry_digits)" "$gantry_where" "${gantry_sudo}chown 0:0 $gantry_word && ${gantry_sudo}chmod go-w $gantry_word"
  exit 73
}
