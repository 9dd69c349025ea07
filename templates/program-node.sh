# For releases that bring their own Node.
gantry_program=$gantry_root/lib/node gantry_on_path=''

#@include run-node.sh

# check_program: refuses a program that is missing or for another machine.
check_program() {
  require "$gantry_program"
  require "$gantry_root"/@ENTRY@
  check_elf
}
