# @ADD_NOTE@
# hadolint ignore=@ADD_RULE@
RUN @ADD_PACKAGES@
