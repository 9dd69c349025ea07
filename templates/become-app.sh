unset BUN_BE_BUN BUN_OPTIONS @VARIABLES@
case ${NODE_PATH-} in *:*)
  while :; do
    case $NODE_PATH in
    :*) NODE_PATH=${NODE_PATH#:} ;;
    *:) NODE_PATH=${NODE_PATH%:} ;;
    *::*) NODE_PATH=${NODE_PATH%%::*}:${NODE_PATH#*::} ;;
    *) break ;;
    esac
  done
  ;;
esac
case ${NODE_PATH-} in
'' | "$gantry_modules") NODE_PATH=$gantry_modules ;;
"$gantry_modules":*) ;;
*) NODE_PATH=$gantry_modules:$NODE_PATH ;;
esac
GANTRY_MODULES=$gantry_modules
#@include exec-app.sh
