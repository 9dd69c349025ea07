# read_processor: whether the processor has the instructions that the runtime needs: yes, no or unknown. It reads the first
# processor of proc_cpuinfo(5), with shell builtins.
read_processor() {
  gantry_flag='@CPU_FLAG@' gantry_line='' gantry_has=yes
  if [ -z "$gantry_flag" ]; then return; fi
  if [ -r /proc/cpuinfo ]; then
    while IFS= read -r gantry_line; do
      case $gantry_line in flags*) break ;; esac
    done </proc/cpuinfo
  fi
  case "$gantry_line " in
  flags*" $gantry_flag "*) ;;
  flags*) gantry_has=no ;;
  *) gantry_has=unknown ;;
  esac
}
