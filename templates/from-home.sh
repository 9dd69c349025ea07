# Root was called by somebody (sudo, doas, pkexec), from that person's own copy of the release. A process of that person's
# could change it while root runs it. So root copies what SHA256SUMS names to where nobody else can write, with the host's
# own programs, checks the copy, and goes on from there.

# from_home COMMAND...: the release is not root's alone.
from_home() {
  read_caller
  gantry_installed=/opt/@BINARY@/current/gantry
  # The host's Node is run by who runs this, wherever the release is.
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

# is_installed: is there a gantry that is root's already? In a subshell, because the finding is about another path.
is_installed() (
  gantry_owners=0
  walk "$gantry_installed" && [ -z "$gantry_missing" ] && look holds "$gantry_physical"
)

# has_line PATTERN FILE: a file of root's.
has_line() {
  while IFS= read -r gantry_line || [ -n "$gantry_line" ]; do
    # shellcheck disable=SC2254
    case $gantry_line in $1) return 0 ;; esac
  done <"$2"
  return 1
}

# is_pinned: does the service take only what its publisher signed? Its memory says so (src/service/keys/memory.ts), and
# before there is one the manifest of what is installed.
is_pinned() {
  gantry_keys=/var/lib/gantry/@BINARY@/keys.json
  if [ -f "$gantry_keys" ]; then
    ! has_line '*"pinned":\[\]*' "$gantry_keys"
  else
    [ -f "/opt/@BINARY@/current/lib/release.json" ] && has_line '*"publicKey":*' "/opt/@BINARY@/current/lib/release.json"
  fi
}

# refuse_third COMMAND...: a release of somebody else's goes through a gantry that is root's already, where there is one.
# Where no key is pinned, a person names the publisher's. An unsigned release can be checked by no key.
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

# refuse_better PROGRAM COMMAND...: that program does the same, and is root's.
refuse_better() {
  gantry_program=$1
  shift
  is_safe 0
  words "$@"
  gantry_better=$gantry_program$gantry_words
  refuse_unsafe gantry "$@"
}

# refuse_without COMMAND...: who called root may run it without.
refuse_without() {
  word "$gantry_root/gantry"
  refuse_better "$gantry_word" "$@"
}

# broken CODE WHAT STATUS: the release cannot be copied as it is.
broken() {
  if [ -n "${gantry_copy-}" ]; then host rm -rf -- "$gantry_copy"; fi
  say "$1" "$2" "$gantry_root/SHA256SUMS" "unpack the release archive again"
  exit "$3"
}

# copy_release: fails for a file that others can change. Into a new directory of root's alone, beside /opt/@BINARY@ and so on a file system that programs run from.
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
  # Modules that were made ready: each file's digest is in the manifest, and the launcher takes no other.
  if [ -d "$gantry_root/node_modules" ] && ! [ -h "$gantry_root/node_modules" ]; then
    host cp -R -P -- "$gantry_root/node_modules" "$gantry_copy/" && host rm -rf -- "$gantry_copy/node_modules/.gantry"
  fi
  # Without sha256sum the launcher's own check of the copy is the first.
  if [ -n "$(host sha256sum /dev/null)" ] && ! (cd "$gantry_copy" && host sha256sum -c SHA256SUMS >/dev/null); then
    broken DIGEST_MISMATCH "a file of the release is not as SHA256SUMS says" 65
  fi
}

# copy_file NAME: a regular file of the release, judged like everything else, and every directory above it.
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

# refuse_directory: the copy would not be root's alone.
refuse_directory() {
  digits "$gantry_mode"
  word "$gantry_where"
  say STORE_UNSAFE "root would install into what others can change: $gantry_where $gantry_why (mode $gantry_digits)" "$gantry_where" "${gantry_sudo}chown 0:0 $gantry_word && ${gantry_sudo}chmod go-w $gantry_word"
  exit 73
}
