# As a Home Assistant add-on: config.yaml, and Dockerfile.@ADDON_ARCH@, which is taken there instead of this file.
#@include about.Dockerfile
