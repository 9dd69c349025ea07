# restore_fix: prints the fix that restores the release's files: a command if its archive lies beside it, else a sentence.
restore_fix() {
  gantry_archive=${gantry_root%/*}/@NAME@.tar.gz
  case $gantry_root in
  *\'*) gantry_archive= ;;
  esac
  if [ -f "$gantry_archive" ]; then
    printf '%s\n' "tar -xzf '$gantry_archive' --strip-components=1 -C '$gantry_root'"
  else
    printf '%s\n' "unpack the release archive again: @NAME@.tar.gz"
  fi
}

# damaged FILE WHAT: reports FILE, relative to the release, and ends.
damaged() {
  say DIGEST_MISMATCH "$1 $2" "$gantry_root/$1" "$(restore_fix)"
  exit 65
}

# check_size FILE BYTES: compares the size by ls, because some implementations of wc read the whole file.
check_size() {
  gantry_size=$(host ls -lnd "$gantry_root/$1" | { read -r _ _ _ _ gantry_size _ && echo "$gantry_size"; })
  case $gantry_size in
  '' | "$2") ;;
  *) damaged "$1" "has $gantry_size bytes and was released with $2: it was cut short, stripped or replaced" ;;
  esac
}

# check_sizes: compares the sizes of all files that check_intact checks.
check_sizes() {
  @SIZES@
}

# compare FOUND EXPECTED...: compares lines that end with a file's name. A file that its mode makes unreadable may still be
# executable, and is not refused.
compare() {
  gantry_line='
'
  gantry_found=$gantry_line$1$gantry_line
  shift
  for gantry_expected; do
    gantry_file=$gantry_root/${gantry_expected##* }
    case $gantry_found in
    *"$gantry_line$gantry_expected$gantry_line"*) continue ;;
    esac
    require "$gantry_file"
    if [ -r "$gantry_file" ]; then
      check_sizes
      damaged "${gantry_expected##* }" "is not the file that was released: it is damaged or another one"
    fi
  done
}

# check_intact: refuses a program or launcher that is not the file that was built. Called before each run of the launcher,
# which checks the other files. A cut program ends by a signal without a message, and one with a changed bit may do
# anything. cksum is in POSIX, and takes 30 ms for 100 MB (coreutils 9). Without it sha256sum is used. Without both the
# launcher hashes the program.
check_intact() {
  gantry_sums=$({ cd "$gantry_root" && host cksum @PROVEN@; } 2>/dev/null </dev/null)
  if [ $? != 127 ]; then
    compare "$gantry_sums" @CHECKSUMS@
    return
  fi
  gantry_sums=$({ cd "$gantry_root" && host sha256sum @PROVEN@; } 2>/dev/null </dev/null)
  if [ $? != 127 ]; then
    compare "$gantry_sums" @DIGESTS@
    return
  fi
  check_sizes
  export GANTRY_UNPROVEN=yes
}
