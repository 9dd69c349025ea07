# For releases that bring their own Node: runs the launcher.

#@include launcher-by-node.sh

# check_program: refuses a program that is missing or for another machine.
check_program() {
  require "$gantry_program"
  require "$gantry_root"/@ENTRY@
  check_elf
}
