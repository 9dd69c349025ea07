# For releases that bring their own Node.
gantry_program=$gantry_root/lib/node gantry_on_path=''
