# The release brings its own Node.
gantry_program=$gantry_root/lib/node gantry_on_path=''

#@include run-node.sh

# check_program: is it there, and for this machine?
check_program() {
  require "$gantry_program"
  require "$gantry_root"/@ENTRY@
  check_elf
}
