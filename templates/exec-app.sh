export NODE_PATH GANTRY_MODULES
trap 'exec /bin/sh "$gantry_root/gantry" exec-failed "$gantry_program"' EXIT
exec @APP@ "$@"
