# Where the release is: no fork, unless this file was called through a symbolic link (then one readlink).
self=$0
if [ -h "$self" ]; then self=$(readlink -f -- "$self"); fi
case $self in
/*) ;;
*) self=$PWD/${self#./} ;;
esac
root=${self%/*}
