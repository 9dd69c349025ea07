# The compiled app is the program that runs the launcher too.
gantry_program=$gantry_root/lib/@BINARY@
@MUSL_VARIABLE@

# run_app ARGS...: becomes the app.
run_app() {
  exec "$gantry_program" "$@"
}

# run_launcher ARGS...: becomes the launcher. Nothing in the current directory or the environment may steer it. Without
# the second variable Bun would keep what it made of large scripts below the caller's home directory; without the third
# it would spend 10 MB and more time on compiling what is run once.
run_launcher() {
  check_intact
  unset BUN_OPTIONS
  export BUN_BE_BUN=1 BUN_RUNTIME_TRANSPILER_CACHE_PATH=0 BUN_JSC_useDFGJIT=0
  exec "$gantry_program" --config=/dev/null --env-file=/dev/null --no-install "$gantry_root/lib/launcher.mjs" "$@"
}

# check_program: is it there, and for this machine?
check_program() {
  require "$gantry_program"
  check_elf
}
