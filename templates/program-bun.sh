# The compiled app is the program that runs the launcher too.
gantry_program=$gantry_root/lib/@BINARY@ gantry_on_path=''
@MUSL_VARIABLE@

# run_app ARGS...: becomes the app.
run_app() {
  exec "$gantry_program" "$@"
}

# run_launcher ARGS...: becomes the launcher: the app's own program, told so by a variable (src/build/compile/launch.ts).
# So it has no command line of Bun's, and looks for no settings in any directory. Without the first variable Bun would keep
# what it made of large scripts below the caller's home directory; without the second it would spend 10 MB and more time
# on compiling what is run once.
run_launcher() {
  check_intact
  export BUN_RUNTIME_TRANSPILER_CACHE_PATH=0 BUN_JSC_useDFGJIT=0
  become_clean "$gantry_program" "$@"
}

# check_program: is it there, and for this machine?
check_program() {
  require "$gantry_program"
  check_elf
}
