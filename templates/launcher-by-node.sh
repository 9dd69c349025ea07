# run_launcher ARGS...: becomes the launcher.
run_launcher() {
  check_intact
  become_clean "$gantry_program" "$gantry_root/lib/launcher.mjs" "$@"
}
