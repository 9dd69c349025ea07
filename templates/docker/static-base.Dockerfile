# Image of @NAME@ for @TARGET@, on a base that has no shell. Made by gantry @GANTRY@ docker.
# The first stage installs the native modules, on a base that has a shell and a C library that is no newer. In the image
# the app is started directly, without the release's scripts, so the build proves for good that the modules load there.
#@include about.Dockerfile
#@include platform.Dockerfile
# @PIN@
ARG BASE=@BASE@
ARG BUILDER=@BUILDER@

# hadolint ignore=DL3029
FROM --platform=${PLATFORM} ${BUILDER} AS modules
#@include packages.Dockerfile
#@include install.Dockerfile
RUN mkdir /layers/libraries && cp -L --parents @LIBRARY_FILES@ /layers/libraries/ && find /layers/libraries -exec touch -h -d @0 {} +

# hadolint ignore=DL3029
FROM --platform=${PLATFORM} ${BASE}
USER 0:0
COPY --from=modules /layers/@LIBRARIES@/ /
#@include layers.Dockerfile
RUN [@LAUNCHER@, "prepare", "--offline"]
#@include labels.Dockerfile
#@include run.Dockerfile
HEALTHCHECK --interval=30s --timeout=5s --start-period=@START_PERIOD@s CMD [@LAUNCHER@, "health"]
USER 10001:0
ENTRYPOINT [@PROGRAM@]
CMD @ARGUMENTS@
