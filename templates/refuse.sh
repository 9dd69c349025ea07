gantry_loader=@INTERPRETER@

#@include intact.sh

# read_machine OPTIONS: runs uname, also if the PATH lacks the directories of the system's commands.
read_machine() {
  @HOST_PATH@ uname "$@"
}

# refuse: this machine cannot run the binary: names the release that it can run, and ends.
refuse() {
  gantry_system=$(read_machine -s) gantry_machine=$(read_machine -m)
  case $gantry_machine in
  x86_64 | amd64) gantry_arch=x64 ;;
  aarch64 | arm64) gantry_arch=arm64 ;;
  *) gantry_arch=$gantry_machine ;;
  esac
  gantry_libc='' gantry_any=no
  for gantry_file in /lib/ld-musl-*.so.1; do
    if [ -e "$gantry_file" ]; then gantry_libc=-musl gantry_any=yes; fi
  done
  case $gantry_arch in
  x64) gantry_file=/lib64/ld-linux-x86-64.so.2 ;;
  *) gantry_file=/lib/ld-linux-aarch64.so.1 ;;
  esac
  if [ -e "$gantry_file" ]; then gantry_libc='' gantry_any=yes; fi
  case $gantry_system in
  Linux) gantry_take="take the release @BASE@-linux-$gantry_arch$gantry_libc" ;;
  Darwin) gantry_take="take the release @BASE@-darwin-$gantry_arch" ;;
  *) gantry_take="run it on a machine of the kind @TARGET@" ;;
  esac
  if [ "$gantry_system-$gantry_arch" = "@SYSTEM@-@ARCH@" ]; then
    # Without a known C library no release can be named.
    if [ "$gantry_any" = no ]; then gantry_take="@NO_LIBC_FIX@"; fi
    say LIBC_MISMATCH "this is the @TARGET@ release, and its loader $gantry_loader is not on this host" "${gantry_program:-$gantry_root}" "$gantry_take"
  else
    say HOST_UNSUPPORTED "this is the @TARGET@ release, and this machine is $gantry_system on $gantry_machine" "${gantry_program:-$gantry_root}" "$gantry_take"
  fi
  exit 69
}

# require FILE: ends if this file is missing.
require() {
  if [ ! -e "$1" ]; then
    say RELEASE_FILE_MISSING "a file of the release is not there" "$1" "$(restore_fix)"
    exit 66
  fi
}

# check_elf: bytes 18 and 19 of an ELF file are its machine (ELF gABI, e_machine). Without od nothing is checked, and exec
# fails later.
check_elf() {
  case $(@HOST_PATH@ od -A n -t x1 -j 18 -N 2 "$gantry_program" 2>/dev/null) in
  *"@ELF_MACHINE@"* | '') ;;
  *)
    say HOST_UNSUPPORTED "the binary is not one for @TARGET@: it was replaced or damaged" "$gantry_program" "$(restore_fix)"
    exit 69
    ;;
  esac
}

# refuse_processor WHY: the processor lacks an instruction that the runtime needs: says so, and ends.
refuse_processor() {
  say CPU_TOO_OLD "the @TARGET@ release needs a processor with @CPU_FLAG@, and $1" "$gantry_program" "@CPU_FIX@"
  exit 69
}

# check_illegal STATUS: status 132 is SIGILL, an instruction that this processor does not have.
check_illegal() {
  if [ "$1" = 132 ] && [ -n "$gantry_flag" ]; then
    refuse_processor "this one ended it by an illegal instruction"
  fi
}

# check_processor: refuses a processor without an instruction that the runtime needs. If /proc does not show it
# (ProcSubset=pid), the runtime is run once.
check_processor() {
  read_processor
  case $gantry_has in
  no) refuse_processor "this one is without" ;;
  unknown)
    run_launcher --version </dev/null >/dev/null 2>&1 &
    # Hides the shell's own message for a signal.
    { wait "$!"; } 2>/dev/null
    check_illegal "$?"
    ;;
  esac
}

# needs_library_path: a library that is in none of the usual directories may be in the caller's LD_LIBRARY_PATH. Then the
# launcher needs that variable, as the app does. Not for root, which must not load libraries that its caller chooses.
gantry_needs=
needs_library_path() {
  [ -n "${LD_LIBRARY_PATH-}" ] && ! [ -O / ] && gantry_needs=LD_LIBRARY_PATH
}

# check_libraries: looks for the libraries that the binary needs besides the C library, in the default directories of musl's
# loader. The loader itself would print a line for each symbol of a missing library.
check_libraries() {
  gantry_libraries='@LIBRARIES@'
  for gantry_file in /etc/ld-musl-*.path; do
    if [ -e "$gantry_file" ]; then return; fi
  done
  for gantry_library in $gantry_libraries; do
    if ! { [ -e "/lib/$gantry_library" ] || [ -e "/usr/local/lib/$gantry_library" ] || [ -e "/usr/lib/$gantry_library" ]; }; then
      if needs_library_path; then return; fi
      say LIBRARY_MISSING "the binary needs $gantry_library, which is not on this host" "$gantry_program" "on Alpine: @APK_ADD@"
      exit 69
    fi
  done
}

# check_linked: the same for glibc, whose loader has a cache. A library that is in none of the usual directories is missing
# if the loader says so too.
check_linked() {
  gantry_linked='@LINKED@'
  for gantry_package in $gantry_linked; do
    gantry_library=${gantry_package%%:*} gantry_package=${gantry_package#*:}
    for gantry_file in /lib/@MULTIARCH@-linux-gnu /usr/lib/@MULTIARCH@-linux-gnu /lib64 /usr/lib64 /lib /usr/lib /usr/local/lib; do
      if [ -e "$gantry_file/$gantry_library" ]; then continue 2; fi
    done
    if needs_library_path; then return; fi
    gantry_said=$(run_launcher --version 2>&1 </dev/null)
    case $gantry_said in
    *": $gantry_library: cannot open shared object file"*)
      gantry_fix="on Debian and Ubuntu: apt-get install ${gantry_package%%:*}; on Fedora and RHEL: dnf install ${gantry_package#*:}"
      if [ "$gantry_package" = : ]; then gantry_fix="install the package that contains it"; fi
      say LIBRARY_MISSING "the program needs $gantry_library, which is not on this host" "$gantry_program" "$gantry_fix"
      exit 69
      ;;
    esac
  done
}

# check_path: neither Node nor Bun opens a path whose bytes are not UTF-8. Only running the runtime shows that.
check_path() {
  case $gantry_root in
  *[!A-Za-z0-9/._+@:,=-]*) ;;
  *) return ;;
  esac
  (run_launcher --version) </dev/null >/dev/null 2>&1
  if [ $? = 1 ]; then
    say CONFIG_INVALID "the program does not find its own files: the release's path has bytes that are no UTF-8" \
      "$gantry_root" "move the release to a directory whose name is in UTF-8"
    exit 78
  fi
}

# check_machine: runs all checks. Nothing of the release is executed before check_processor.
check_machine() {
  if [ ! -e "$gantry_loader" ]; then refuse; fi
  case $(read_machine -sm) in
  @MACHINES@) ;;
  *) refuse ;;
  esac
  check_libraries
  check_program
  for gantry_file in @LAUNCHER@; do require "$gantry_root/lib/$gantry_file"; done
  if [ ! -x "$gantry_program" ]; then
    say EXEC_FAILED "the binary may not be executed: by its mode, or because its file system is mounted noexec" \
      "$gantry_program" "chmod 755 it, or move the release to a file system that is mounted exec"
    exit 71
  fi
  check_processor
  check_linked
  check_path
}
