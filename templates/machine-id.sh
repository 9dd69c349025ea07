# Identifies this host by its machine-id(5), as hostId in src/release/start/stamp.ts does; empty if there is none.
gantry_host=
if [ -r /etc/machine-id ]; then IFS= read -r gantry_host </etc/machine-id; fi
case $gantry_host in
*[!0123456789abcdef]*) gantry_host= ;;
????????????????????????????????) ;;
*) gantry_host= ;;
esac
