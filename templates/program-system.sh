# The host's own Node: the first on the PATH, found without a fork; what depends on the current directory is skipped.
gantry_program='' gantry_on_path='' gantry_rest=${PATH-}:
while [ -n "$gantry_rest" ]; do
  gantry_directory=${gantry_rest%%:*} gantry_rest=${gantry_rest#*:}
  case $gantry_directory in
  /*) if [ -f "$gantry_directory/node" ] && [ -x "$gantry_directory/node" ]; then
    gantry_on_path=$gantry_directory/node gantry_program=$gantry_directory/node
    break
  fi ;;
  esac
done
@MUSL_VARIABLE@

# same_program STAMP: is it the one that the stamp was written for? Package managers keep a file's old time when they
# replace it, but never that of its directory. What was proven is what runs, even behind a version manager's shim.
same_program() {
  [ -f "$1.node" ] && { IFS= read -r gantry_found && IFS= read -r gantry_real; } <"$1.node" &&
    [ "$gantry_found" = "$gantry_on_path" ] && [ -x "$gantry_real" ] &&
    ! [ "${gantry_found%/*}" -nt "$1" ] && ! [ "${gantry_real%/*}" -nt "$1" ] && gantry_program=$gantry_real
}

#@include run-node.sh

# check_program: is there a Node, and of the ABI that the modules were built for?
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
