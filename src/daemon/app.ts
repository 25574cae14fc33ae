import { randomUUID } from 'node:crypto';
import { type FastifyBaseLogger, fastify, LogController, type RouteOptions } from 'fastify';
import type { Logger } from 'pino';
import { type ErrorCode, SkybackupError } from '../contract/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { auditRecord } from './audit.ts';
import { checkHost } from './auth/host-check.ts';
import { checkOrigin } from './auth/origin-check.ts';
import { demand, identifyPrincipal, type Principal, type Transport } from './auth/principal.ts';
import { limitRequests } from './auth/rate-limit.ts';
import type { Right } from './auth/roles.ts';
import { errorAnswer } from './error-answer.ts';
import type { LateMcp } from './late-mcp.ts';
import type { DaemonMetrics } from './metrics.ts';
import { type Api, completeSchema, serializerCompiler, validatorCompiler } from './route-schemas.ts';
import { auditRoute } from './routes/audit.ts';
import { backupRoutes } from './routes/backups.ts';
import { healthRoutes } from './routes/health.ts';
import { jobRoutes } from './routes/jobs.ts';
import { keyRoutes } from './routes/keys.ts';
import { mcpRoute } from './routes/mcp.ts';
import { metricsRoute } from './routes/metrics.ts';
import { openApiRoute } from './routes/openapi.ts';
import { planRoutes } from './routes/plans.ts';
import { restoreRoutes } from './routes/restores.ts';
import { retentionRoutes } from './routes/retention.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { serviceRoutes } from './routes/services.ts';
import { storageRoutes } from './routes/storages.ts';
import { verificationRoutes } from './routes/verifications.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the caller must be allowed to do; `public` asks for no key. Every route says one. */
    right?: Right | 'public';
    /** For the audit and for refusals: "Deleting a schedule". Absent on reads. */
    action?: string;
  }
  interface FastifyRequest {
    principal: Principal | undefined;
    /** The code of the error that it was answered with. */
    refusal: ErrorCode | undefined;
    /** A plan that this very request made. */
    plan: string | undefined;
  }
}

/** What the routes know of the daemon they are part of. */
export interface DaemonFacts {
  engine: Engine;
  version: string;
  startedBy: 'client' | 'person';
  /** Begins a graceful stop; the answer to the request goes out first. */
  stop(): void;
}

export interface AppOptions extends DaemonFacts {
  transport: Transport;
  log: Logger;
  /** Of the whole daemon, whatever it listens on. */
  metrics: DaemonMetrics;
  /** Of the whole daemon, too. */
  mcp: Pick<LateMcp, 'fetch' | 'forget'>;
  /** The daemon's own socket for what MCP asks on a caller's behalf: this listener's, or the owner's where this is none. */
  ownSocket: string;
  /** What each key may ask for; beyond it the answer is 429. */
  requestsPerMinute: number;
  /** How long a request may take to come in. Default 60,000. */
  patienceMs?: number;
  /** Called for each request but `/healthz`: the daemon is being used. */
  onUse(): void;
}

const bodyLimit = 1024 * 1024;

/** The Backup API over one listener: a socket's peers are known by its permissions, TCP needs a key. */
export function createApp(options: AppOptions): Api {
  const { engine, transport, log, onUse, version, patienceMs = 60_000 } = options;
  const loggerInstance: FastifyBaseLogger = log;
  const app: Api = fastify({
    bodyLimit,
    // A backup id has a hundred characters and more.
    routerOptions: { maxParamLength: 400, ignoreTrailingSlash: true },
    genReqId: () => randomUUID(),
    // A client that dribbles its request, head or body, must not hold a connection for ever.
    requestTimeout: patienceMs,
    http: { headersTimeout: patienceMs, connectionsCheckingInterval: Math.min(patienceMs, 10_000) },
    keepAliveTimeout: 30_000,
    forceCloseConnections: 'idle',
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    // A path that cannot be decoded: no route's answer, so it is written by hand.
    frameworkErrors: (error, request, reply) => {
      const { status, body } = errorAnswer(error, request.url, request.id);
      reply.raw.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest('principal', undefined);
  app.decorateRequest('refusal', undefined);
  app.decorateRequest('plan', undefined);
  const limit = limitRequests(app, options.requestsPerMinute);

  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    // A route that forgot to say who may use it must not exist.
    if (route.config?.right === undefined) throw new Error(`route ${String(route.method)} ${route.url} names no right`);
    completeSchema(route);
    if (!route.schema?.hide) routes.push(route);
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-trace-id', request.id);
    if (transport.kind === 'tcp') checkHost(request.headers.host, transport.host);
    checkOrigin(request.headers.origin, request.headers.host);
    const { right, action } = request.routeOptions.config;
    if (right === 'public') return;
    onUse();
    request.principal = identifyPrincipal(engine, transport, request);
    await limit(request);
    if (right !== undefined) demand(request.principal, right, action ?? 'Reading');
  });
  app.addHook('onResponse', async (request, reply) => {
    const { right } = request.routeOptions.config;
    const principal = request.principal?.id ?? 'nobody';
    const trace_id = request.id;
    const route = request.routeOptions.url ?? 'unknown';
    options.metrics.answered(request.method, route, reply.statusCode);
    const level = reply.statusCode >= 500 ? 'error' : right === 'public' ? 'debug' : 'info';
    log[level](
      {
        trace_id,
        method: request.method,
        route,
        status: reply.statusCode,
        principal,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
    const audited = auditRecord(request, reply, engine);
    if (audited === undefined) return;
    engine.audit.add(audited);
    // In the log once more: that may be kept by someone else than the holder of the state.
    log.info({ audit: audited }, 'a change');
  });

  app.setErrorHandler((error, request, reply) => {
    const answer = errorAnswer(error, request.url, request.id);
    request.refusal = answer.code;
    if (answer.status >= 500) log.error({ trace_id: request.id, err: error }, 'a request failed');
    void reply.code(answer.status).headers(answer.headers).send(answer.body);
  });
  app.setNotFoundHandler((request, reply) => {
    const error = new SkybackupError(
      'not_found',
      `${request.method} ${request.url.split('?')[0]} is no part of this API.`,
      {
        hint: 'Look at the path and the verb.',
      },
    );
    const answer = errorAnswer(error, request.url, request.id);
    void reply.code(answer.status).send(answer.body);
  });
  // An empty body is no body: several requests carry everything in their path.
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit }, (request, body, done) => {
    if (body === '') return done(null, undefined);
    app.getDefaultJsonParser('error', 'error')(request, typeof body === 'string' ? body : body.toString(), done);
  });

  openApiRoute(app, routes, version);
  healthRoutes(app, options);
  metricsRoute(app, options);
  backupRoutes(app, engine);
  verificationRoutes(app, engine);
  scheduleRoutes(app, engine);
  retentionRoutes(app, engine);
  restoreRoutes(app, engine);
  serviceRoutes(app, engine);
  storageRoutes(app, engine);
  planRoutes(app, engine);
  auditRoute(app, engine);
  jobRoutes(app, engine);
  keyRoutes(app, options);
  mcpRoute(app, options);
  return app;
}
