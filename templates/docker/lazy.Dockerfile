# Image of @NAME@ for @TARGET@, without the native modules. Made by gantry @GANTRY@ docker.
# The smallest one: the first start installs the modules into the volume @CACHE@, every later one
# finds them there. Give that volume a name, or each container installs again. What is missing on this base for the
# release's own program shows when the image is built, what is missing for the modules at the first start.
#@include about.Dockerfile
#@include platform.Dockerfile
# @PIN@
ARG BASE=@BASE@

# hadolint ignore=DL3029
FROM --platform=${PLATFORM} ${BASE}
#@include packages.Dockerfile
RUN mkdir -p @STATE@ @CACHE@ \
  && chown 10001:0 @STATE@ @CACHE@ \
  && chmod 0770 @STATE@ @CACHE@
COPY @RELEASE@/ @ROOT@/
RUN ["@ROOT@/gantry", "--version"]
ENV GANTRY_STORE=@CACHE@
VOLUME ["@CACHE@"]
#@include labels.Dockerfile
#@include tail.Dockerfile
