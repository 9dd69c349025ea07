# @NAME@ for @TARGET@: an image with the Node of a stable Alpine. Made by gantry @GANTRY@ docker.
# The first stage adds Node @NODE_MAJOR@ from the distribution, the second installs the native modules and proves that they load in
# that Node; the image gets the modules, then the app. As a Home Assistant add-on (config.yaml and build.yaml) the base
# is the add-on base, whose own init stays process 1 and starts the command below: that is why there is no ENTRYPOINT.
#@include about.Dockerfile
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
HEALTHCHECK --interval=30s --timeout=5s --start-period=@START_PERIOD@s CMD ["@ROOT@/gantry", "health"]
# The add-on base's init runs as root.
ARG RUN_AS=10001:0
USER ${RUN_AS}
CMD @COMMAND@
