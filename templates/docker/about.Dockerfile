#
# The app becomes process 1 and gets the signals itself; its exit status is the container's. Process 1 has to reap orphans
# and is ended only by signals that it handles: where the app starts programs that leave some behind, or has no handler
# for SIGTERM, run the image with --init (in compose.yaml: init: true).
# Any user may run it, as long as its group is 0; the root file system may be read-only.
# The same bytes each time: BuildKit with SOURCE_DATE_EPOCH and rewrite-timestamp=true, or buildah --timestamp. A time
# before that of the base's own libraries costs a check of the modules at each start.
