# For Bun releases: runs the launcher.

# run_launcher ARGS...: becomes the launcher, which is the app's own program with a variable set
# (src/build/compile/prelude/launch.ts). So Bun parses no command line and reads no settings from any directory. The first variable
# turns off Bun's cache of large scripts below the home directory. The second turns off the optimizing compiler, which would
# cost 10 MB and time.
run_launcher() {
  check_intact
  export BUN_RUNTIME_TRANSPILER_CACHE_PATH=0 BUN_JSC_useDFGJIT=0
  become_clean "$gantry_program" "$@"
}

# check_program: refuses a program that is missing or for another machine.
check_program() {
  require "$gantry_program"
  check_elf
}
