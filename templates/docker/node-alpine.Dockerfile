# Image of @NAME@ for @TARGET@, with the Node of a stable Alpine. Made by gantry @GANTRY@ docker.
# The first stage adds Node @NODE_MAJOR@ from the distribution, the second installs the native modules and proves that they load in
# that Node; the image gets the modules, then the app.
#@include @ABOUT@.Dockerfile
#@include platform.Dockerfile
# @PIN@
ARG BUILD_FROM=@BASE@

# hadolint ignore=DL3029
FROM --platform=${PLATFORM} ${BUILD_FROM} AS node
RUN apk add --no-cache @NODE_PACKAGE@

FROM node AS modules
#@include install.Dockerfile

FROM node
#@include layers.Dockerfile
RUN ["@ROOT@/gantry", "prepare", "--offline"]
#@include labels.Dockerfile
#@include run.Dockerfile
# For s6-overlay, the init of add-on bases: without these it hides this image's variables from the command, and stops
# the command last, with no time to end and a status of its own. There is no ENTRYPOINT, so that the base's is used.
ENV S6_KEEP_ENV=1 S6_CMD_RECEIVE_SIGNALS=1
HEALTHCHECK --interval=30s --timeout=5s --start-period=@START_PERIOD@s CMD ["@ROOT@/gantry", "health"]
# An add-on's init and its /data are root's.
ARG RUN_AS=@RUN_AS@
# hadolint ignore=DL3002,DL3066
USER ${RUN_AS}
CMD @COMMAND@
