import { describe, expect, it } from "vitest";
import { brokenRules } from "../../../support/build/dockerfile-rules.ts";

const GOOD = `# a comment
ARG BASE=debian:12
FROM \${BASE} AS one
WORKDIR /here
COPY release/ ./
# hadolint ignore=DL3018
RUN apk add --no-cache one

FROM one
COPY --from=one /a/ /b/
RUN ["/b/a", "b | c"]
LABEL a.b="c d" \\
  e.f="g"
ENV HOME=/a PORT=1
EXPOSE 80/tcp
HEALTHCHECK --interval=1s CMD ["/b/a"]
ARG RUN_AS=1:0
# hadolint ignore=DL3066
USER \${RUN_AS}
CMD ["/b/a"]
`;

it("finds nothing where there is nothing", () => {
  expect(brokenRules(GOOD)).toEqual([]);
});

describe("finds", () => {
  it.each([
    ["DL3000", "WORKDIR /here", "WORKDIR here"],
    ["DL3001", "RUN [", "RUN service start\nENV A=1\nRUN ["],
    ["DL3002", "RUN_AS=1:0", "RUN_AS=0:0"],
    ["DL3003", "RUN apk add", "RUN cd /a && apk add"],
    ["DL3004", "RUN apk add", "RUN sudo apk add"],
    ["DL3006", "debian:12", "debian"],
    ["DL3007", "debian:12", "debian:latest"],
    ["DL3009", "RUN [", "RUN apt-get update\nENV A=1\nRUN ["],
    ["DL3011", "EXPOSE 80", "EXPOSE 80000"],
    ["DL3012", "EXPOSE", 'HEALTHCHECK CMD ["/a"]\nEXPOSE'],
    ["DL3018", "# hadolint ignore=DL3018\n", ""],
    ["DL3019", "--no-cache ", ""],
    ["DL3020", "EXPOSE", "ADD a /b\nEXPOSE"],
    ["DL3021", "COPY release/ ./", "COPY release/ other ./a"],
    ["DL3022", "--from=one", "--from=two"],
    ["DL3024", "FROM one", "FROM one AS one"],
    ["DL3025", 'CMD ["/b/a"]\nARG', "CMD /b/a\nARG"],
    ["DL3029", "FROM one", "FROM --platform=linux/amd64 one"],
    ["FromPlatformFlagConstDisallowed", "FROM one", "FROM --platform=linux/amd64 one"],
    ["DL3044", "PORT=1", "PORT=$HOME"],
    ["DL3045", "WORKDIR /here\n", ""],
    ["DL3048", "e.f=", "E..f="],
    ["DL3059", 'RUN ["/b/a", "b | c"]', "RUN one\nRUN two"],
    ["DL3061", "ARG BASE", "EXPOSE 1\nARG BASE"],
    ["DL3064", "PORT=1", "DB_PASSWORD=1"],
    ["DL3066", "# hadolint ignore=DL3066\n", ""],
    ["DL3067", "/a/ /b/", "/ /"],
    ["DL4000", "EXPOSE", "MAINTAINER me\nEXPOSE"],
    ["DL4003", "EXPOSE", 'CMD ["/a"]\nEXPOSE'],
    ["DL4004", "EXPOSE", 'ENTRYPOINT ["/a"]\nENTRYPOINT ["/b"]\nEXPOSE'],
    ["DL4006", "RUN apk add", "RUN cat /a | sh && apk add"],
    ["DL4007", "COPY release/ ./", "COPY . ./"],
  ])("%s", (rule, from, to) => {
    expect(GOOD).toContain(from);
    expect(brokenRules(GOOD.replace(from, to))).toContain(rule);
  });
});
