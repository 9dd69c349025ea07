# run_app ARGS...: becomes the app. The file before it makes packages resolve from the prepared tree.
run_app() {
  exec "$gantry_program" --require "$gantry_root/lib/preload.cjs" "$gantry_root"/@ENTRY@ "$@"
}

# run_launcher ARGS...: becomes the launcher, without anything that the caller loads into each Node.
run_launcher() {
  check_intact
  unset NODE_OPTIONS NODE_PATH NODE_V8_COVERAGE NODE_COMPILE_CACHE
  exec "$gantry_program" "$gantry_root/lib/launcher.mjs" "$@"
}
