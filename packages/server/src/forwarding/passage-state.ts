/** What the two halves of a passage share: the stage behind it and the state of one call. Types only. */
import type { Clock } from '../clock.ts';
import type { CredentialMaker, MadeCredential } from '../credentials/credential.ts';
import type { Denial } from '../errors.ts';
import type { AdmittedCall, Outcome, Tap } from '../exchange.ts';
import type { RawHeaders, ResponseSink } from '../io.ts';
import type { ErrorFrame, RenderError } from './answer.ts';
import type { AnswerRewrite } from './answer-rewrite.ts';
import type { CredentialRest } from './credential-rest.ts';
import type { KeyFinder, KeySearch } from './key-search.ts';
import type { LiveCalls } from './live-calls.ts';
import type { OutgoingBody } from './outgoing-body.ts';
import type { SetTimer, SilenceWatch } from './timers.ts';
import type { Transport, UpstreamCall } from './transport.ts';

/** What a passage needs of the stage. */
export interface PassageStage {
  readonly transport: Transport;
  readonly maker: CredentialMaker;
  readonly clock: Clock;
  readonly setTimer: SetTimer;
  readonly renderError: RenderError;
  readonly errorFrame: ErrorFrame;
  readonly live: LiveCalls;
  readonly rest: CredentialRest;
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly keepAliveCommentMs: number;
  readonly passRateLimitHeaders: boolean;
  /** This relay's URL for the caller; null where it is not known. */
  relayBase(call: AdmittedCall): string | null;
  /** Books memory for an answer that is held; false when there is no room. */
  bookAnswer(call: AdmittedCall, bytes: number): boolean;
  /** Why the call must not be sent after all, null when it may. */
  refuse(call: AdmittedCall): Denial | null;
  /** The header list that goes up. */
  headersFor(call: AdmittedCall): readonly string[];
  /** Milliseconds from now until the answer must have ended. */
  deadlineMs(call: AdmittedCall): number;
}

/** One call under way, as its two files see it. */
export interface Passage {
  readonly call: AdmittedCall;
  readonly sink: ResponseSink;
  readonly tap: Tap;
  readonly stage: PassageStage;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
  finder: KeyFinder;
  /** What was made for this call; null where the credential is put in as it is. */
  made: MadeCredential | null;
  readonly cleanups: (() => void)[];
  watch: SilenceWatch;
  comments: SilenceWatch | null;
  upstream: UpstreamCall | null;
  body: OutgoingBody | null;
  phase: 'sending' | 'collecting' | 'streaming';
  /** True once the end is decided: whatever the transport still says is stale. */
  ended: boolean;
  sentAtMs: number;
  upstreamStatus: number | null;
  upstreamHeaders: RawHeaders;
  ageMs: number | null;
  status: number | null;
  bodyPassed: boolean;
  callerGone: boolean;
  cut: boolean;
  denial: Denial | null;
  responseBytes: number;
  /** True for an event stream of open length, into which a frame or comment may be put. */
  framed: boolean;
  search: KeySearch | null;
  /** What changes ids and URLs in the answer; null on most routes. */
  rewrite: AnswerRewrite | null;
  /** True while a held answer, written at once, waits for a caller who reads more slowly: its memory and its place stay taken. */
  unread: boolean;
  collected: Uint8Array[];
  collectedBytes: number;
  /** Last bytes written, to know whether an event is under way. */
  tail: string;
}
