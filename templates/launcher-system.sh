# For releases that run on the host's own Node: runs the launcher.

#@include launcher-by-node.sh

# name_program: the start of a command that runs a Node which other users cannot change: the same one after root has removed
# write access to root's own files, another one of the host, or a copy of the calling user's.
name_program() {
  gantry_as=''
  if [ "$gantry_uid" = 0 ]; then gantry_as=${SUDO_UID:+sudo }; fi
  set -f
  # shellcheck disable=SC2086
  set -- $gantry_facts
  set +f
  if [ "$gantry_uid:${3-}" = 0:0 ]; then
    word "$gantry_where"
    gantry_command="${gantry_as}chmod go-w $gantry_word && $gantry_as"
    return
  fi
  for gantry_directory in /usr/local/bin /usr/bin /bin; do
    if [ -x "$gantry_directory/node" ] && walk "$gantry_directory/node"; then
      case $(become_clean "$gantry_directory/node" -p 'process.versions.modules' 2>/dev/null) in
      @ABI@) break ;;
      esac
    fi
    gantry_directory=''
  done
  if [ -n "$gantry_directory" ]; then
    gantry_command=''
  elif [ -n "$gantry_as" ] && gantry_owners=$SUDO_UID && walk "$gantry_on_path"; then
    word "$gantry_on_path"
    gantry_command="sudo install -m 755 $gantry_word /usr/local/bin/node && "
  else
    gantry_command="install Node @NODE_MAJOR@ as root (apk add nodejs or apt-get install nodejs where that is Node @NODE_MAJOR@, else from nodejs.org), then: "
  fi
  gantry_command="$gantry_command${gantry_as:+sudo env }PATH=${gantry_directory:-/usr/local/bin}:/usr/bin:/bin "
}

# check_program: refuses a missing Node, and one of another ABI than that of the modules. check_trust has checked before that
# other users cannot change it.
check_program() {
  gantry_program=$gantry_on_path
  if [ -z "$gantry_program" ]; then
    say EXEC_FAILED "node: not found: this release runs on the host's own Node @NODE_MAJOR@, and the PATH has none" \
      "$gantry_root"/@ENTRY@ "install Node @NODE_MAJOR@ (apk add nodejs or apt-get install nodejs where that is Node @NODE_MAJOR@, else from nodejs.org), or put its directory on the PATH (services look in /usr/local/bin and /usr/bin)"
    exit 71
  fi
  require "$gantry_root"/@ENTRY@
  gantry_abi=$(become_clean "$gantry_program" -p 'process.versions.modules + " " + process.version')
  case $gantry_abi in
  "@ABI@ "*) ;;
  [0-9]*" v"*)
    say ABI_MISMATCH "the release is built for NODE_MODULE_VERSION @ABI@ (Node @NODE@), and this is Node ${gantry_abi##* v} with ${gantry_abi%% *}" \
      "$gantry_program" "put a Node @NODE_MAJOR@ first on the PATH, or build the release for this Node"
    exit 69
    ;;
  *)
    say EXEC_FAILED "this node does not run, or is none" "$gantry_program" "put a Node @NODE_MAJOR@ first on the PATH"
    exit 71
    ;;
  esac
}
