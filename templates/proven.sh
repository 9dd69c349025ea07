gantry_stamp=$gantry_modules/.gantry/@RELEASE@-$gantry_host
[ -f "$gantry_stamp" ]@SAME_PROGRAM@ && [ -x "$gantry_program" ] && [ -e @INTERPRETER@ ] &&
  ! [ "$gantry_program" -nt "$gantry_stamp" ]@LIBC_CHECKS@@NATIVE_CHECKS@
