# restore_fix: one command that puts the release's files back where its archive lies beside it, else what to do.
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

# damaged FILE WHAT: FILE, relative to the release, must not be run.
damaged() {
  say DIGEST_MISMATCH "$1 $2" "$gantry_root/$1" "$(restore_fix)"
  exit 65
}

# check_size FILE BYTES: by ls, because the wc of some hosts reads all of it.
check_size() {
  gantry_size=$(host ls -lnd "$gantry_root/$1" | { read -r _ _ _ _ gantry_size _ && echo "$gantry_size"; })
  case $gantry_size in
  '' | "$2") ;;
  *) damaged "$1" "has $gantry_size bytes and was released with $2: it was cut short, stripped or replaced" ;;
  esac
}

# check_sizes: of all that check_intact looks at.
check_sizes() {
  @SIZES@
}

# compare FOUND EXPECTED...: lines that end with a file's name. What cannot be read by its mode may run all the same.
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

# check_intact: are the program and the launcher the files that were built? Called before each run of the launcher, which
# checks the other files. A program that is cut short ends by a signal and without a word; one with a flipped bit does
# anything. The checksum of cksum is in POSIX, and takes 30 ms for 100 MB (coreutils 9); sha256sum stands in for it. With
# neither the launcher hashes the program, as far as that still runs.
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
