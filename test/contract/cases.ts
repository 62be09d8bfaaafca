/** Builds that every driver has to answer alike. They are made of a static busybox, so that no registry is needed. */

const base = `FROM scratch AS base
COPY busybox /bin/busybox
ENV PATH=/bin
SHELL ["/bin/busybox","sh","-c"]
`

/** A build that succeeds. */
export interface DriverCase {
  readonly dockerfile: string
  /** The usual platform of the machine where absent. */
  readonly platforms?: readonly string[]
  readonly args?: Readonly<Record<string, string>>
  /** It has a secret `s`. */
  readonly secret?: true
  readonly noCache?: true
}

/** The builds by name. */
export const cases: Readonly<Record<string, DriverCase>> = {
  copy: {
    dockerfile:
      'FROM scratch\nCOPY files /all/\nCOPY --chown=7:8 --chmod=640 files/a /a\nCOPY files/a files/b /two/\n',
  },
  wildcard: { dockerfile: 'FROM scratch\nCOPY files/*.txt /txt/\nCOPY files/?.md /md/\n' },
  ignored: { dockerfile: 'FROM scratch\nCOPY files /\n' },
  link: { dockerfile: 'FROM scratch\nCOPY --link files/a /linked/a\nCOPY --link files /linked/files\n' },
  add: { dockerfile: 'FROM scratch\nADD archive.tar /unpacked/\nADD --chmod=600 files/a /added\n' },
  heredoc: { dockerfile: 'FROM scratch\nCOPY <<one <<"two" /docs/\nplain $X\none\nraw $X\ntwo\n' },
  run: { dockerfile: `${base}RUN busybox echo hello > /hello; busybox mkdir -p /d/e\n` },
  runHeredoc: { dockerfile: `${base}RUN <<EOF\nbusybox echo 1 > /one\nbusybox echo 2 > /two\nEOF\n` },
  execForm: { dockerfile: `${base}RUN ["busybox","touch","/exec form"]\n` },
  args: {
    dockerfile: `ARG TOP=top\n${base}ARG TOP\nARG GIVEN=default\nARG EMPTY\nENV A=$TOP B="\${GIVEN}x" C=\${EMPTY:-none}\nRUN busybox env | busybox grep -v -e HOSTNAME -e OTEL -e TRACE | busybox sort > /env\n`,
    args: { GIVEN: 'given' },
  },
  metadata: {
    dockerfile:
      'FROM scratch\nLABEL a=1 "b c"="d e" f=\'g\'\nEXPOSE 80 443/udp\nVOLUME /v ["/w"]\nSTOPSIGNAL SIGUSR1\nUSER 5:6\nWORKDIR /x/y\nHEALTHCHECK --interval=5s --retries=2 CMD ["/h"]\nCMD ["c"]\nENTRYPOINT ["e","f"]\n',
  },
  shellForms: { dockerfile: `${base}ENTRYPOINT busybox echo "a b"\nCMD busybox ls\nMAINTAINER me\n` },
  onbuild: { dockerfile: 'FROM scratch\nCOPY files/a /a\nONBUILD COPY . /later\nONBUILD RUN ["x"]\n' },
  empty: { dockerfile: 'FROM scratch\nENV ONLY=metadata\n' },
  stages: {
    dockerfile: `${base}RUN busybox echo built > /out\nFROM base AS other\nRUN busybox echo other > /other\nFROM scratch\nCOPY --from=0 /out /\nCOPY --from=other /other /deep/er/\n`,
  },
  named: {
    dockerfile:
      'ARG WHICH=one\nFROM scratch AS one\nCOPY files/a /one\nFROM scratch AS two\nCOPY files/b /two\nFROM ${WHICH}\n',
    args: { WHICH: 'two' },
  },
  cacheMount: {
    dockerfile: `${base}RUN --mount=type=cache,target=/c busybox echo x > /c/x; busybox ls /c > /listed\n`,
  },
  bindMount: { dockerfile: `${base}RUN --mount=type=bind,source=files,target=/m busybox cp /m/a /copied\n` },
  fromMount: {
    dockerfile: `${base}FROM base\nRUN --mount=type=bind,from=base,source=/bin,target=/m,rw busybox touch /m/gone; busybox ls /m > /seen\n`,
  },
  tmpfs: {
    dockerfile: `${base}RUN --mount=type=tmpfs,target=/t busybox touch /t/x; busybox ls -a /t > /seen\n`,
  },
  secret: {
    dockerfile: `${base}RUN --mount=type=secret,id=s,mode=0400 busybox cat /run/secrets/s > /was\n`,
    secret: true,
  },
  noNetwork: { dockerfile: `${base}RUN --network=none busybox ls /sys/class/net > /net\n` },
  workdir: { dockerfile: `${base}WORKDIR one\nWORKDIR two\nRUN busybox pwd > here\nWORKDIR /three\n` },
  user: { dockerfile: `${base}RUN busybox mkdir -m 777 /open\nUSER 12:34\nRUN busybox id -u > /open/id\n` },
  removed: { dockerfile: `${base}COPY files /files\nRUN busybox rm /files/a; busybox rm -r /files/sub\n` },
  replaced: {
    dockerfile: `${base}COPY files /files\nRUN busybox rm -r /files; busybox mkdir /files; busybox touch /files/new\n`,
  },
  kinds: {
    dockerfile: `${base}RUN busybox mkfifo /fifo; busybox ln -s ../x /sym; busybox touch /h; busybox ln /h /hard; busybox chmod 4711 /h\n`,
  },
  modes: {
    dockerfile: `${base}COPY files /files\nRUN busybox chmod 700 /files; busybox chmod 0 /files/a; busybox chown 3:4 /files/b\n`,
  },
  names: {
    dockerfile: `${base}RUN busybox mkdir /d; busybox touch "/d/ö ü" "/d/$(busybox printf 'n%0120d' 1)" /d/.wh-like\n`,
  },
  platformArgs: {
    dockerfile:
      'FROM scratch\nARG TARGETPLATFORM\nARG TARGETARCH\nCOPY files/a /$TARGETARCH/a\nLABEL p=$TARGETPLATFORM\n',
    platforms: ['linux/amd64', 'linux/arm64'],
  },
  builder: {
    dockerfile: `FROM --platform=$BUILDPLATFORM scratch AS b\nCOPY busybox /bin/busybox\nARG TARGETARCH\nRUN ["/bin/busybox","sh","-c","/bin/busybox echo $TARGETARCH > /arch"]\nFROM scratch\nCOPY --from=b /arch /arch\n`,
    platforms: ['linux/amd64', 'linux/arm64'],
  },
  again: { dockerfile: `${base}RUN busybox echo always > /always\n`, noCache: true },
}

/** Builds that fail, by name. */
export const failures: Readonly<Record<string, string>> = {
  exitCode: `${base}RUN busybox echo before; exit 7\n`,
  syntax: 'FROM scratch\nCOPPY a b\n',
  missingFile: 'FROM scratch\nCOPY nothing /\n',
  missingImage: 'FROM scratch\nCOPY --from=127.0.0.1:1/nobody /a /\n',
  missingSecret: `${base}RUN --mount=type=secret,id=unknown,required busybox true\n`,
  noProgram: `${base}RUN ["/nowhere"]\n`,
  badFlag: 'FROM scratch\nCOPY --nope a b\n',
}

/** Text files of the context. */
export const contextFiles: Readonly<Record<string, string>> = {
  '.dockerignore': 'files/sub/deep\n!files/sub/deep/kept\nsecret\n',
  'files/a': 'a\n',
  'files/b': 'b\n',
  'files/one.txt': '1',
  'files/two.txt': '2',
  'files/x.md': 'x',
  'files/long.md': 'long',
  'files/sub/c': 'c\n',
  'files/sub/deep/kept': 'kept',
  'files/sub/deep/lost': 'lost',
}
