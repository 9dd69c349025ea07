# run_app ARGS...: becomes the app. The preload file makes packages resolve from the prepared tree.
run_app() {
  exec "$gantry_program" --require "$gantry_root/lib/preload.cjs" "$gantry_root"/@ENTRY@ "$@"
}

# run_launcher ARGS...: becomes the launcher.
run_launcher() {
  check_intact
  become_clean "$gantry_program" "$gantry_root/lib/launcher.mjs" "$@"
}
