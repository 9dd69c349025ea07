# For Home Assistant, which takes this file before Dockerfile: the init of its base (s6-overlay) is process 1, runs as root,
# and starts the app; the app's exit status is the container's. What has to be kept lies in /data.
