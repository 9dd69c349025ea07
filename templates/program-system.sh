# The host's own Node: the first on the PATH, found without a fork; what depends on the current directory is skipped.
program='' on_path='' rest=${PATH-}:
while [ -n "$rest" ]; do
  directory=${rest%%:*} rest=${rest#*:}
  case $directory in
  /*) if [ -f "$directory/node" ] && [ -x "$directory/node" ]; then
    on_path=$directory/node program=$directory/node
    break
  fi ;;
  esac
done

# same_program STAMP: is it the one that the stamp was written for? Package managers keep a file's old time when they
# replace it, but never that of its directory. What was proven is what runs, even behind a version manager's shim.
same_program() {
  [ -f "$1.node" ] && { IFS= read -r found && IFS= read -r real; } <"$1.node" &&
    [ "$found" = "$on_path" ] && [ -x "$real" ] &&
    ! [ "${found%/*}" -nt "$1" ] && ! [ "${real%/*}" -nt "$1" ] && program=$real
}

# run_app ARGS...: becomes the app. The file before it makes packages resolve from the prepared tree.
run_app() {
  exec "$program" --require "$root/lib/preload.cjs" "$root"/@ENTRY@ "$@"
}

# run_launcher ARGS...: becomes the launcher, without anything that the caller loads into each Node.
run_launcher() {
  unset NODE_OPTIONS NODE_PATH NODE_V8_COVERAGE NODE_COMPILE_CACHE
  exec "$program" "$root/lib/launcher.mjs" "$@"
}

# check_program: is there a Node, and of the ABI that the modules were built for?
check_program() {
  program=$on_path
  if [ -z "$program" ]; then
    say EXEC_FAILED "node: not found: this release runs on the host's own Node @NODE_MAJOR@, and the PATH has none" \
      "$root"/@ENTRY@ "install Node @NODE_MAJOR@ (apk add nodejs, apt-get install nodejs), or put its directory on the PATH"
    exit 71
  fi
  require "$root"/@ENTRY@
  abi=$(unset NODE_OPTIONS NODE_V8_COVERAGE NODE_COMPILE_CACHE && "$program" -p 'process.versions.modules + " " + process.version')
  case $abi in
  "@ABI@ "*) ;;
  [0-9]*" v"*)
    say ABI_MISMATCH "the release is built for NODE_MODULE_VERSION @ABI@ (Node @NODE@), and this is Node ${abi##* v} with ${abi%% *}" \
      "$program" "put a Node @NODE_MAJOR@ first on the PATH, or build the release for this Node"
    exit 69
    ;;
  *)
    say EXEC_FAILED "this node does not run, or is none" "$program" "put a Node @NODE_MAJOR@ first on the PATH"
    exit 71
    ;;
  esac
}
