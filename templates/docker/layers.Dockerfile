COPY --from=modules --chown=10001:0 /layers/state/ /var/lib/
COPY --from=modules /layers/modules/ /
COPY --from=modules /layers/release/ @ROOT@/
