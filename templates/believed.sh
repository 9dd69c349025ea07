case $gantry_in,${GANTRY_SKIP-}, in
,STORE_UNSAFE,* | ,*,STORE_UNSAFE,*) ;;
*)
  #@include own-tree.sh
  ;;
esac
