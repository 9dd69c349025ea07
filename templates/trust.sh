# The rule of src/trust/rule.ts, applied before anything of the release is executed: code is run only from a path whose
# directories, links and file only root and the running user can change. A path is judged from / downwards: other users
# cannot replace an entry of a directory that passed.

# host COMMAND...: runs a command of the host, also if the PATH lacks its directory.
host() {
  @HOST_PATH@ LC_ALL=C "$@" 2>/dev/null
}

# is_own_group GID: succeeds for group 0, and for the primary group of the user in gantry_owners if it has no other member
# except root, by passwd(5) and group(5).
is_own_group() {
  if [ "$1" = 0 ]; then return 0; fi
  if ! { [ -r /etc/passwd ] && [ -r /etc/group ]; }; then return 1; fi
  gantry_names=' root ' gantry_own='' gantry_seen=''
  while IFS=: read -r gantry_key gantry_line gantry_id gantry_group gantry_line; do
    case $gantry_id in
    "$gantry_owners")
      gantry_names="$gantry_names$gantry_key "
      if [ "$gantry_group" = "$1" ]; then gantry_own=yes; fi
      ;;
    0) ;;
    *) if [ "$gantry_group" = "$1" ]; then return 1; fi ;;
    esac
  done </etc/passwd
  while IFS=: read -r gantry_key gantry_line gantry_id gantry_group; do
    if [ "$gantry_id" != "$1" ]; then continue; fi
    gantry_seen=yes
    while [ -n "$gantry_group" ]; do
      case $gantry_names in *" ${gantry_group%%,*} "*) ;; *) return 1 ;; esac
      case $gantry_group in *,*) gantry_group=${gantry_group#*,} ;; *) gantry_group='' ;; esac
    done
  done </etc/group
  [ "$gantry_own$gantry_seen" = yesyes ]
}

# judge ROLE MODE LINKS OWNER GROUP...: judges a line of ls -ldn, and sets gantry_why. ROLE is holds or leads. A sticky
# directory may lead, because users cannot rename or remove other users' entries in it (inode(7)).
judge() {
  gantry_why="is owned by user $4"
  case " 0 $gantry_owners " in
  *" $4 "*) ;;
  *) if [ "$gantry_any" != yes ] || [ "$5" != 0 ]; then return 1; fi ;;
  esac
  gantry_why=''
  case $1-$2 in
  *-l* | leads-d????????[tT]*) return 0 ;;
  *-[-d]*) ;;
  *)
    gantry_why="is neither a file nor a directory"
    return 1
    ;;
  esac
  case $2 in
  ????????w*)
    gantry_why="can be written by everybody"
    return 1
    ;;
  ?????w*) ;;
  *) return 0 ;;
  esac
  gantry_why="can be written by group $5"
  if ! is_own_group "$5"; then return 1; fi
  if [ "$gantry_any" = yes ] && [ "$5" = 0 ]; then return 0; fi
  # With an access list the group's bits are its mask (acl(5)). Only GNU ls shows that there is one, by a plus sign.
  case $2 in
  *+)
    gantry_why="can be written by whom its access list names"
    return 1
    ;;
  esac
  case $(host ls --version) in
  *'GNU coreutils'*) return 0 ;;
  esac
  gantry_why="$gantry_why, and perhaps by whom an access list names"
  return 1
}

# look ROLE PATH: judges the file itself, not what a link leads to. A newline in its name only adds words at the end.
look() {
  gantry_where=$2 gantry_facts=$(host ls -ldn -- "$2")
  if [ -z "$gantry_facts" ]; then
    gantry_missing=yes
    return 0
  fi
  gantry_mode=${gantry_facts%% *}
  set -f
  # shellcheck disable=SC2086
  judge "$1" $gantry_facts
  gantry_judged=$?
  set +f
  return "$gantry_judged"
}

# walk PATH: judges every directory and link from / to it, in the order of path_resolution(7). Sets gantry_physical to the
# path without links.
walk() {
  gantry_todo=$1 gantry_physical='' gantry_links=0 gantry_missing=''
  look leads / || return 1
  while [ -n "$gantry_todo" ]; do
    gantry_part=${gantry_todo%%/*}
    case $gantry_todo in
    */*) gantry_todo=${gantry_todo#*/} ;;
    *) gantry_todo='' ;;
    esac
    case $gantry_part in
    '' | .) continue ;;
    ..)
      gantry_physical=${gantry_physical%/*}
      continue
      ;;
    esac
    look leads "$gantry_physical/$gantry_part" || return 1
    if [ -n "$gantry_missing" ]; then return 0; fi
    case $gantry_mode in
    l*)
      gantry_links=$((gantry_links + 1))
      if [ "$gantry_links" -gt 40 ]; then return 0; fi
      # Command substitution removes newlines at the end, and a link's target may end with one.
      gantry_target=$(host readlink -- "$gantry_physical/$gantry_part" && echo .)
      gantry_target=${gantry_target%??}
      case $gantry_target in /*) gantry_physical='' ;; esac
      gantry_todo=$gantry_target/$gantry_todo
      ;;
    *) gantry_physical=$gantry_physical/$gantry_part ;;
    esac
  done
}

# pass ROLE PATH...: judges several paths by one ls, which costs less than a look at each. Succeeds if all are there, pass and
# are no links. A newline in a name makes another number of lines. ls reads its arguments in their order: first the directory,
# then what it contains.
pass() {
  gantry_role=$1
  shift
  gantry_count=$# gantry_facts=$(host ls -ldn -- "$@")
  set -f
  IFS='
'
  # shellcheck disable=SC2086
  set -- $gantry_facts
  unset IFS
  gantry_judged=0
  if [ "$#" != "$gantry_count" ]; then gantry_judged=1; fi
  for gantry_facts; do
    # shellcheck disable=SC2086
    case $gantry_facts in
    l*) gantry_judged=1 ;;
    *) judge "$gantry_role" $gantry_facts || gantry_judged=1 ;;
    esac
  done
  set +f
  return "$gantry_judged"
}

# is_plainly_safe: succeeds if everything that is_safe looks at passes, without a link on the way. It does not tell what is
# wrong.
is_plainly_safe() {
  gantry_todo=${gantry_root#/} gantry_physical=''
  case $gantry_root/ in [!/]* | *//* | */./* | */../*) return 1 ;; esac
  set -- /
  while [ -n "$gantry_todo" ]; do
    gantry_physical=$gantry_physical/${gantry_todo%%/*}
    set -- "$@" "$gantry_physical"
    case $gantry_todo in */*) gantry_todo=${gantry_todo#*/} ;; *) gantry_todo='' ;; esac
  done
  pass leads "$@" &&
    pass holds "$gantry_root" "$gantry_root/lib" "$gantry_root/@BINARY@" "$gantry_root/gantry" "$gantry_root"/lib/*
}

# is_safe OWNERS: succeeds if only these users and root can change the path to the release, and the files of it that run
# before the launcher judges the rest. Otherwise gantry_where and gantry_why tell which and why.
is_safe() {
  gantry_owners=$1 gantry_better='' gantry_fault=''
  if ! is_plainly_safe; then
    walk "$gantry_root" && look holds "${gantry_physical:-/}" && look holds "$gantry_root/lib" || return 1
    for gantry_file in "$gantry_root/@BINARY@" "$gantry_root/gantry" "$gantry_root"/lib/*; do
      if [ -h "$gantry_file" ]; then walk "$gantry_file"; else look holds "$gantry_file"; fi || return 1
    done
  fi
  is_safe_program
}

# is_safe_program: the same for the host's own Node, and the users in gantry_owners.
is_safe_program() {
  gantry_fault=''
  if [ -z "$gantry_on_path" ] || walk "$gantry_on_path"; then return 0; fi
  gantry_fault=program
  return 1
}

# is_trusted: succeeds also if the host has no ls, because then every file seems to be missing, or if GANTRY_SKIP has
# STORE_UNSAFE. Then the launcher judges first.
is_trusted() {
  gantry_uid=$(host id -u) gantry_any=''
  case $gantry_uid in '' | *[!0-9]*) return 0 ;; esac
  case ,${GANTRY_SKIP-}, in *,STORE_UNSAFE,*) return 0 ;; esac
  if [ "$gantry_uid" != 0 ] && [ "$(host id -g)" = 0 ]; then gantry_any=yes; fi
  is_safe "$gantry_uid"
}

# word TEXT: sets gantry_word to the text, quoted for a shell.
word() {
  case $1 in
  *[!A-Za-z0-9_@%+=:,./-]*)
    gantry_rest=$1 gantry_word="'"
    while :; do
      case $gantry_rest in
      *"'"*) gantry_word=$gantry_word${gantry_rest%%"'"*}"'\\''" gantry_rest=${gantry_rest#*"'"} ;;
      *) break ;;
      esac
    done
    gantry_word=$gantry_word$gantry_rest"'"
    ;;
  *) gantry_word=$1 ;;
  esac
}

# digits MODE: sets gantry_digits to a mode of ls in octal, as chmod takes it.
digits() {
  gantry_rest=${1#?} gantry_digits='' gantry_special=0
  for gantry_bit in 4 2 1; do
    case $gantry_rest in ??[sStT]*) gantry_special=$((gantry_special + gantry_bit)) ;; esac
    gantry_sum=0
    case $gantry_rest in r*) gantry_sum=4 ;; esac
    case $gantry_rest in ?w*) gantry_sum=$((gantry_sum + 2)) ;; esac
    case $gantry_rest in ??[xst]*) gantry_sum=$((gantry_sum + 1)) ;; esac
    gantry_digits=$gantry_digits$gantry_sum gantry_rest=${gantry_rest#???}
  done
  if [ "$gantry_special" != 0 ]; then gantry_digits=$gantry_special$gantry_digits; fi
}

# words TEXT...: sets gantry_words to the texts, each quoted and after a blank.
words() {
  gantry_words=''
  for gantry_part in "$@"; do
    word "$gantry_part"
    gantry_words="$gantry_words $gantry_word"
  done
}

# read_caller: sets the id of the user who called root, empty if there is none, and the word before a command as root, such
# as sudo.
read_caller() {
  gantry_sudo='' gantry_caller=''
  if [ "$gantry_uid" != 0 ]; then return; fi
  if [ -n "${SUDO_UID-}" ]; then
    gantry_sudo='sudo ' gantry_caller=$SUDO_UID
  elif [ -n "${PKEXEC_UID-}" ]; then
    gantry_sudo='pkexec ' gantry_caller=$PKEXEC_UID
  elif [ -n "${DOAS_USER-}" ] && [ -r /etc/passwd ]; then
    gantry_sudo='doas '
    while IFS=: read -r gantry_key gantry_line gantry_id gantry_line; do
      if [ "$gantry_key" = "$DOAS_USER" ]; then gantry_caller=$gantry_id; fi
    done </etc/passwd
  fi
  case $gantry_caller in *[!0-9]*) gantry_caller='' ;; esac
}

# refuse_unsafe COMMAND...: prints what is wrong, and one command that does the same safely, and ends. Root may change the
# owner of files in the release. A directory on the path may be a user's home: then the command runs a copy.
refuse_unsafe() {
  read_caller
  gantry_by="user $gantry_uid" gantry_home=${HOME:-/var/empty}
  if [ "$gantry_uid" = 0 ]; then gantry_by=root gantry_home=/root; fi
  digits "$gantry_mode"
  gantry_what="$gantry_by would run what others can change: $gantry_where $gantry_why (mode $gantry_digits)"
  gantry_file=$gantry_where
  word "$gantry_root"
  case $gantry_fault:$gantry_owners:$gantry_todo:$gantry_mode in
  program:*)
    name_program
    gantry_home=$gantry_root
    ;;
  :0::[!l]*)
    gantry_command="${gantry_sudo}chown -R 0:0 $gantry_word && ${gantry_sudo}chmod -R go-w $gantry_word && $gantry_sudo"
    gantry_home=$gantry_root
    ;;
  *)
    gantry_command="${gantry_sudo}cp -R $gantry_word"
    word "$gantry_home"
    gantry_command="$gantry_command $gantry_word/ && $gantry_sudo"
    gantry_home=$gantry_home/${gantry_root##*/}
    ;;
  esac
  word "$gantry_home/$1"
  gantry_command=$gantry_command$gantry_word
  shift
  words "$@"
  say STORE_UNSAFE "$gantry_what" "$gantry_file" "${gantry_better:-$gantry_command$gantry_words}"
  exit 73
}

# check_trust ARGS...: applies the rule, for the script that people run.
check_trust() {
  if is_trusted; then return; fi
  refuse_unsafe @BINARY@ "$@"
}
