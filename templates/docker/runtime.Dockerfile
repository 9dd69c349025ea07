# Image of @NAME@ for @TARGET@, made in one stage. Made by gantry @GANTRY@ docker.
# One layer installs the native modules with the release's own program, which is gone again in the same layer; then
# comes the app, so that a new version of it is one new layer and a small one. Needs BuildKit or buildah for the mount.
#@include about.Dockerfile
#@include platform.Dockerfile
# @PIN@
ARG BASE=@BASE@

# hadolint ignore=DL3029
FROM --platform=${PLATFORM} ${BASE}
#@include packages.Dockerfile
# A mirror's address, and certificates beside the well-known ones. Build arguments stay in the history: no passwords.
ARG GANTRY_REGISTRY
ARG NODE_EXTRA_CA_CERTS
RUN --mount=type=bind,source=@RELEASE@,target=/mnt \
  mkdir -p @ROOT@/node_modules @STATE@ \
  && chown 10001:0 @STATE@ \
  && chmod 0770 @STATE@ \
  && mkdir /opt/installer \
  && cp -R /mnt/. /opt/installer/ \
  && /opt/installer/gantry prepare \
  && rm -rf /opt/installer/node_modules/.gantry @ROOT@/node_modules \
  && mv /opt/installer/node_modules @ROOT@/ \
  && rm -rf /opt/installer \
  && find @ROOT@ @STATE@ -exec touch -h -d @0 {} + \
  && touch -d @0 /opt /var/lib
COPY @RELEASE@/ @ROOT@/
RUN ["@ROOT@/gantry", "prepare", "--offline"]
#@include labels.Dockerfile
#@include tail.Dockerfile
