# Finds the release's directory without a fork, unless this file was called through a symbolic link (then one readlink).
gantry_self=$0
if [ -h "$gantry_self" ]; then gantry_self=$(@HOST_PATH@ readlink -f -- "$gantry_self"); fi
case $gantry_self in
/*) ;;
*) gantry_self=$PWD/${gantry_self#./} ;;
esac
gantry_root=${gantry_self%/*}
