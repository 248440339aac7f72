/**
 * The table of bounds: every queue, body, wait and count of the program has a row here, with its
 * reason. What a user may change is in the config and starts from these defaults.
 */
export const LIMITS = {
  /** Requests one session may have in flight: above it a client is flooding, not working. */
  inFlightPerSession: 512,
  /** Of these, at one upstream at a time: the rest waits, so that others get through. */
  callsPerClient: 64,
  /** Requests that wait while one upstream starts: about ten clients' worth of first calls. */
  waitingPerUpstream: 1_024,
  /** Messages of clients that wait until a new version has been tried out. */
  waitingForTrial: 1_024,
  /** How long a trial may take: who judges needs a minute at most, unless it is suspended. */
  trialMs: 90_000,
  /** A progress notification extends a deadline, but never past this many times the time-out. */
  deadlineExtensions: 10,
  /** Messages kept for a session while it has no stream open to hear them on. */
  backlogPerSession: 100,
  /** Waits of an upstream that is about to be started again are waited out up to this long. */
  restartWaitMs: 1_000,
  /** How long a stop waits for clients to take the answers they are owed. */
  drainAnswersMs: 1_000,
  /** A port that is in use is tried again this often. */
  portRetryMs: 2_000,
  /**
   * How long a question whose asker is not certain waits for other calls to end. Then it is
   * refused: a wrong screen would be worse.
   */
  questionHoldMs: 15_000,
  /** A call that asked may ask more at once: this long others do not start. */
  questionBurstMs: 50,
  /** Questions of one call that come within this time are told to a modern client together. */
  questionCollectMs: 10,
  /** A cancelled call may go on and ask for this long: servers need not heed a cancellation. */
  ghostMs: 10_000,
  /** A client may think for so long although calls of others wait for its call to end. */
  questionAloneMs: 60_000,
  /** The same when what waits is the very client, which has gone on without answering. */
  questionOwnMs: 5_000,
  /** Questions of one upstream that wait for an answer. */
  questionsPerUpstream: 1_000,
  /** Of these, for one client: others can be asked as well. */
  questionsPerSession: 64,
  /** Tasks of one upstream that are known, and how long one is when it does not say itself. */
  tasksPerUpstream: 10_000,
  taskMs: 86_400_000,
  /** Elicitations by URL of one upstream whose session is known. */
  elicitationsPerUpstream: 1_000,
  /** Instances of single projects and sessions: above it the one unused for longest ends. */
  scopedInstances: 64,
  /** Merged lists kept, one for each set of instances that sessions are served by. */
  catalogViews: 256,
  /** Calls that wait for their client to come back with an answer. */
  parkedCalls: 1_000,
  /**
   * How long such a call waits: a person has to be found, and to think. Others that ask wait too.
   */
  parkedMs: 300_000,
  /** How long a server may take to say that it does not know the modern era's first question. */
  probeMs: 3_000,
  /** How often one call may ask its client for more: a server that never has enough is stopped. */
  inputRounds: 8,
  /** Upstreams remembered from earlier runs. */
  memories: 200,
  /** What upstreams say at their start is written down together, this long after the first. */
  memoryDelayMs: 500,
  /** Results kept to be given again, all together: a handful of large pages. */
  reuseBytes: 67_108_864,
  /** The same on disk. */
  reuseDiskBytes: 268_435_456,
  /** One of them: longer ones would push all others out. */
  reuseResultLength: 4_194_304,
  /** What a server says of its own results is believed up to a day: nobody can take it back. */
  reuseSaidMs: 86_400_000,
  /** The params a kept result is found by: nobody sends megabytes twice. */
  reuseKeyLength: 65_536,
  /** Calls of tools that one call may ask for. */
  callsTogether: 16,
  /** Characters of results that were too long for their clients, all together. */
  drawerLength: 33_554_432,
  /** Sessions on disk, most lately used first: as many as the config lets live at once, twice. */
  keptSessions: 20_000,
  /** Of one of them: a thousand subscriptions fit, megabytes of capabilities do not. */
  keptSessionLength: 524_288,
  /** Pages of one list fetched from an upstream: a cursor that never ends must not fill memory. */
  listPages: 100,
  /** Entries of one list kept per upstream: ten times the largest server known. */
  listEntries: 10_000,
  /** Resource URIs one session may subscribe to. */
  subscriptionsPerSession: 1_000,
  /** Names in the aggregate: clients add a prefix of their own and refuse more than 64 in all. */
  nameLength: 64,
  /** Merged instructions of the aggregate, in characters: they are paid for in every context. */
  instructionsLength: 8_192,
  /** How long the aggregate's lists wait for upstreams that start; the late ones are announced. */
  listWaitMs: 5_000,
  /** How often deadlines are looked at: the precision of a time-out. */
  tickMs: 100,
  /** A keychain that gave nothing is not asked again within this: calls often come in pairs. */
  lockedMs: 3_000,
  /** Failures in a row after which a replica is not trusted: one may be the request's own fault. */
  breakerFailures: 3,
  /** For how long, the first time and at most: short, since a list call is all that is risked. */
  breakerOpenMs: 1_000,
  breakerOpenMsMax: 30_000,
  /** A replica that has a request and has been silent for this long is asked for a list. */
  silentMs: 5_000,
  /** The same without a request: a dead connection shows before somebody needs it. */
  healthCheckMs: 30_000,
  /** How long the answer to that may take. */
  healthTimeoutMs: 5_000,
  /** How often requests ask for a replica that does not run. */
  wakeMs: 1_000,
  /** How long a replaced upstream may work on what it was doing before it is ended. */
  drainMs: 10_000,
  /** list_changed notifications of one upstream are collected for this long. */
  listChangedDelayMs: 50,
  /** Characters above which an answer in a usual envelope is delimited instead of parsed. */
  answerParseLength: 8_192,
  /** Messages in one JSON-RPC batch of 2025-03-26: more is a flood in one breath. */
  batchMessages: 100,
  /** Characters queued for one event stream beside the message being sent: then it is cut off. */
  streamQueueLength: 4_194_304,
  /**
   * Bytes kept of what one session was sent on event streams, for a client whose connection broke;
   * the newest event is kept whatever its size, since it may be the answer that was waited for.
   */
  eventLogSessionBytes: 2_097_152,
  /** The same over all sessions: what a burst of breaking connections may cost the machine. */
  eventLogBytes: 33_554_432,
  /** How long it is kept: clients come back within seconds, a laptop that slept does not. */
  eventLogMs: 120_000,
  /** What a client is told to wait before it comes back: a restart takes less. */
  eventRetryMs: 1_000,
  /**
   * How long a session whose only stream broke is held ready for its client, with what is in
   * flight: a network changes within seconds. Then it sleeps.
   */
  awayMs: 30_000,
  /** How long a client of HTTP+SSE may take to say which session it comes back to. */
  introductionMs: 10_000,
  /** Bytes queued for one socket beside the message being sent: then it is closed. */
  socketQueueBytes: 16_777_216,
  /** The heartbeat of the doors: how often open streams and waiting answers are looked at. */
  beatMs: 5_000,
  /**
   * Beats of silence, so 10 to 15 s, after which a stream gets a comment (dead peers and impatient
   * proxies show) and a POST without an answer becomes a stream (its client sees life).
   */
  quietBeats: 3,
  /**
   * From a notification to the result of the same request on SSE and sockets: official clients lose
   * the notification when both arrive in one chunk.
   */
  resultGapMs: 2,
  /** How long a client of the bridge waits for a daemon that is away; then it gets an error. */
  bridgePatienceMs: 10_000,
  /** A daemon that was there may return by itself for this long; then a request starts one. */
  bridgeGraceMs: 3_000,
  /** Characters of a request up to which the bridge keeps it, to repeat it after a restart. */
  bridgeRepeatLength: 65_536,
  /** Bytes queued for an upstream that does not read: about sixty of the largest requests. */
  upstreamQueueBytes: 67_108_864,
} as const;
