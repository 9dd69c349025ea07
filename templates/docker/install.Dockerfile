WORKDIR /layers/release
COPY @RELEASE@/ ./
# A mirror's address, and certificates beside the well-known ones. Build arguments stay in the history: no passwords.
ARG GANTRY_REGISTRY
ARG NODE_EXTRA_CA_CERTS
# One directory for each layer of the image, with fixed times from its root on: what did not change is the same layer
# again, also where another machine builds it.
RUN ./gantry prepare@OFFLINE@ \
  && mkdir -p /layers/modules@ROOT@ node_modules /layers/state/@BINARY@ \
  && chmod 0770 /layers/state/@BINARY@ \
  && rm -rf node_modules/.gantry vendor \
  && mv node_modules /layers/modules@ROOT@/ \
  && mkdir /layers/modules@ROOT@/lib && mv @RUNTIME@ /layers/modules@ROOT@/lib/ \
  && ln -s @LINK@ lib/gantry \
  && find /layers -exec touch -h -d @0 {} +
