LABEL org.opencontainers.image.title=@TITLE@ \
  org.opencontainers.image.version=@VERSION@ \
  org.opencontainers.image.description=@DESCRIPTION@ \
  org.opencontainers.image.base.digest=@BASE_DIGEST@ \
  org.opencontainers.image.base.name=@BASE_NAME@
