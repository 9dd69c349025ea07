/**
 * Tells systemd what a first start is doing (STATUS=), and asks for more time (EXTEND_TIMEOUT_USEC=, sd_notify(3)). The
 * program systemd-notify sends the messages, because Node and Bun have no Unix datagram sockets. READY=1 is never sent,
 * because only the app knows when it is ready. Nothing is sent without NOTIFY_SOCKET, without the program, or when
 * other users can change the program.
 */
import { errorCode } from "../base/errors.ts";
import { readProgramPath, run } from "../base/process/index.ts";
import { readUnsafeProgram } from "../trust/index.ts";
import type { Reporter } from "../base/reporter.ts";
import type { Environment } from "../base/environment.ts";
import { formatBytes } from "../base/text.ts";

/** Milliseconds between two messages at least, because a process is started for each message. */
const PAUSE = 1000;
/** Milliseconds after which the last message is sent again, when there is no new one. */
const KEEP_ALIVE = 15_000;
/** Milliseconds by which each message extends the time limit: enough for a single slow sync of a disk. */
const EXTENSION = 120_000;
/** Milliseconds after which systemd-notify is killed. It ends by itself when systemd has read the message. */
const LIMIT = 5000;

export interface ServiceStatus {
  /** The given reporter, whose steps and progress are also sent to systemd. */
  readonly reporter: Reporter;
  /**
   * Sends the last status: why the start fails, or an empty text when the app sets the status from then on. An empty
   * text is sent only after an earlier message.
   */
  readonly close: (text: string) => Promise<void>;
}

export function openServiceStatus(reporter: Reporter, environment: Environment): ServiceStatus {
  const socket = environment["NOTIFY_SOCKET"] ?? "";
  const program = socket === "" ? undefined : readProgramPath("systemd-notify", environment);
  if (program === undefined || readUnsafeProgram([program]) !== undefined)
    return { reporter, close: () => Promise.resolve() };
  const sender = createSender((text) => send(program, socket, text));
  let step = "";
  return {
    reporter: {
      ...reporter,
      step: (text) => {
        step = text;
        sender.tell(text);
        reporter.step(text);
      },
      progress: (progress) => {
        sender.tell(`${step}: ${formatBytes(progress.bytes)} of ${formatBytes(progress.total)}`);
        reporter.progress(progress);
      },
    },
    close: sender.close,
  };
}

/** Sends the newest text. Two messages are at least PAUSE apart. A text that stays is sent again after KEEP_ALIVE. */
function createSender(deliver: (text: string) => Promise<void>) {
  let text = "";
  let told: string | undefined;
  let sent = -Infinity;
  let closed = false;
  let busy: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const go = () => {
    told = text;
    sent = performance.now();
    busy = deliver(text).finally(() => {
      busy = undefined;
      plan();
    });
  };
  const plan = () => {
    clearTimeout(timer);
    if (closed || busy !== undefined) return;
    const wait = text === told ? KEEP_ALIVE : sent + PAUSE - performance.now();
    // Sent at once, not by a timer: work that blocks the event loop must not delay the first message.
    if (wait <= 0) go();
    else timer = setTimeout(go, wait).unref();
  };
  return {
    tell: (news: string) => {
      text = news;
      plan();
    },
    close: async (last: string) => {
      closed = true;
      clearTimeout(timer);
      await busy;
      if (told !== undefined || last !== "") await deliver(last);
    },
  };
}

/** Sends one message. Ignores errors of the system and the time limit: a failed message must not fail the start. */
async function send(program: string, socket: string, text: string): Promise<void> {
  const status = text.replaceAll(/\p{Cc}+/gu, " ");
  try {
    await run(program, [`STATUS=${status}`, `EXTEND_TIMEOUT_USEC=${EXTENSION * 1000}`], {
      cwd: "/",
      environment: { NOTIFY_SOCKET: socket },
      timeout: LIMIT,
    });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}
