# For releases that run on the host's own Node: the first one on the PATH, found without a fork. Entries of the PATH that
# depend on the current directory are skipped.
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

# same_program STAMP: succeeds if this Node is the one that the stamp was written for. Package managers keep a file's build
# time when they replace it, but the time of its directory changes. Behind a version manager's shim, the Node that was
# proven is the one that runs.
same_program() {
  [ -f "$1.node" ] && { IFS= read -r gantry_found && IFS= read -r gantry_real; } <"$1.node" &&
    [ "$gantry_found" = "$gantry_on_path" ] && [ -x "$gantry_real" ] &&
    ! [ "${gantry_found%/*}" -nt "$1" ] && ! [ "${gantry_real%/*}" -nt "$1" ] && gantry_program=$gantry_real
}
