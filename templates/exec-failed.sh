say EXEC_FAILED "the binary could not be started" "$gantry_program" "@EXEC_FIX@"
exit 71
