#@include run.Dockerfile
HEALTHCHECK --interval=30s --timeout=5s --start-period=@START_PERIOD@s CMD ["@ROOT@/gantry", "health"]
USER 10001:0
ENTRYPOINT ["@ROOT@/@BINARY@"]
CMD @ARGUMENTS@
