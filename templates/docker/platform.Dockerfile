# The release is for one platform, and so is its image, whatever machine builds it; one of another processor runs the
# stages by qemu-user and binfmt. Not the builder's TARGETPLATFORM: a base of that could not run this release.
ARG PLATFORM=@PLATFORM@
