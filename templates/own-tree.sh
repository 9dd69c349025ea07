if [ -z "$gantry_in" ] && ! [ -O / ] && { ! [ -w "$gantry_root" ] || [ -O "$gantry_root" ] || [ -G "$gantry_root" ]; }; then
  :
else
  gantry_note=/proc/self/fd/9/.gantry/@NOTES@/@RELEASE@-$gantry_host$gantry_root$gantry_in/@NOTE@
  { [ -O /proc/self/fd/9 ] && [ -O "$gantry_modules/.." ] && [ -O "$gantry_note" ]; } 9<"$gantry_modules"
fi
