WORKDIR /layers/release
COPY @RELEASE@/ ./
# A mirror's address, and certificates beside the well-known ones. Build arguments stay in the history: no passwords.
ARG GANTRY_REGISTRY
ARG NODE_EXTRA_CA_CERTS
# One directory for each layer of the image, and fixed times: what did not change stays the same layer.
RUN ./gantry prepare@OFFLINE@ \
  && mkdir -p /layers/modules node_modules /layers/state/@BINARY@ \
  && chmod 0770 /layers/state/@BINARY@ \
  && rm -rf node_modules/.gantry vendor \
  && mv node_modules /layers/modules/ \
  && mkdir /layers/modules/lib && mv @RUNTIME@ /layers/modules/lib/ \
  && ln -s @LINK@ lib/gantry \
  && find /layers -exec touch -h -d @0 {} +
