# For Bun releases: the compiled app is also the program that runs the launcher.
gantry_program=$gantry_root/lib/@BINARY@ gantry_on_path=''
@MUSL_VARIABLE@
