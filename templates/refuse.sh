loader=@INTERPRETER@

# refuse: this machine cannot run the binary; says which release can, and ends.
refuse() {
  system=$(uname -s) machine=$(uname -m)
  case $machine in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) arch=$machine ;;
  esac
  libc=
  for file in /lib/ld-musl-*.so.1; do
    if [ -e "$file" ]; then libc=-musl; fi
  done
  for file in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
    if [ -e "$file" ]; then libc=; fi
  done
  case $system in
  Linux) take="take the release @BASE@-linux-$arch$libc" ;;
  Darwin) take="take the release @BASE@-darwin-$arch" ;;
  *) take="run it on a machine of the kind @TARGET@" ;;
  esac
  if [ "$system-$arch" = "@SYSTEM@-@ARCH@" ]; then
    say LIBC_MISMATCH "this is the @TARGET@ release, and its loader $loader is not on this host" "${program:-$root}" "$take"
  else
    say HOST_UNSUPPORTED "this is the @TARGET@ release, and this machine is $system on $machine" "${program:-$root}" "$take"
  fi
  exit 69
}

# require FILE: a file without which nothing works.
require() {
  if [ ! -e "$1" ]; then
    say RELEASE_FILE_MISSING "a file of the release is not there" "$1" "unpack the release archive again"
    exit 66
  fi
}

# check_elf: bytes 18 and 19 of an ELF file name its machine (ELF gABI, e_machine); without od, exec tells soon enough.
check_elf() {
  case $(od -A n -t x1 -j 18 -N 2 "$program" 2>/dev/null) in
  *"@ELF_MACHINE@"* | '') ;;
  *)
    say HOST_UNSUPPORTED "the binary is not one for @TARGET@: it was replaced or damaged" "$program" "unpack the release archive again"
    exit 69
    ;;
  esac
}

# check_machine: nothing of the release is executed before this has passed.
check_machine() {
  if [ ! -e "$loader" ]; then refuse; fi
  case $(uname -sm) in
  @MACHINES@) ;;
  *) refuse ;;
  esac
  check_program
  require "$root/lib/launcher.mjs"
  if [ ! -x "$program" ]; then
    say EXEC_FAILED "the binary may not be executed: by its mode, or because its file system is mounted noexec" \
      "$program" "chmod 755 it, or move the release to a file system that is mounted exec"
    exit 71
  fi
}
