# read_os_release: identifies a host without a machine-id by its os-release(5), as hostId in src/release/start/stamp.ts does.
read_os_release() {
  gantry_id='' gantry_version='' gantry_seen=''
  if [ -r /etc/os-release ]; then
    while IFS= read -r gantry_line || [ -n "$gantry_line" ]; do
      case $gantry_line in
      ID=* | VERSION_ID=*) ;;
      *) continue ;;
      esac
      gantry_key=${gantry_line%%=*} gantry_value=${gantry_line#*=}
      case $gantry_seen in *" $gantry_key "*) continue ;; esac
      gantry_seen="$gantry_seen $gantry_key "
      case $gantry_value in
      \"*\" | \'*\') gantry_value=${gantry_value#?} gantry_value=${gantry_value%?} ;;
      esac
      case $gantry_value in *[!A-Za-z0-9._-]*) gantry_value= ;; esac
      case $gantry_key in
      ID) gantry_id=$gantry_value ;;
      *) gantry_version=$gantry_value ;;
      esac
    done </etc/os-release
  fi
  gantry_host=$gantry_id-$gantry_version
  if [ "$gantry_host" = - ]; then gantry_host=unknown; fi
}
