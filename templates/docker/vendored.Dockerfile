# Image of @NAME@ for @TARGET@, made without a network. Made by gantry @GANTRY@ docker.
# The first stage unpacks the native modules from the bundle in the release and proves them; the image gets the modules,
# then the app, so that a new version of the app is one new layer and a small one. The bundle stays behind.
#@include about.Dockerfile
#@include platform.Dockerfile
# @PIN@
ARG BASE=@BASE@

# hadolint ignore=DL3029
FROM --platform=${PLATFORM} ${BASE} AS base
#@include packages.Dockerfile

FROM base AS modules
#@include install.Dockerfile

FROM base
#@include layers.Dockerfile
RUN ["@ROOT@/gantry", "prepare", "--offline"]
#@include labels.Dockerfile
#@include tail.Dockerfile
