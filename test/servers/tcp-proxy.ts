import { connect, createServer, type Socket } from 'node:net';

/** What befalls the connection over which so many bytes have gone: it is cut, or nothing moves on it any more. */
export interface Trouble {
  kind: 'cut' | 'stall';
  /** `up`: to the server. */
  direction: 'up' | 'down';
  afterBytes: number;
}

export interface TcpProxy {
  readonly port: number;
  /** What is still to befall, one after the other. */
  readonly troubles: Trouble[];
  /** In each direction of each connection; undefined lets bytes through as they come. */
  bytesPerSecond: number | undefined;
  /** Connections so far. */
  readonly connections: number;
  /** Those of them that are not closed. */
  readonly open: number;
  stop(): Promise<void>;
}

/** A proxy on 127.0.0.1 that can be a bad line. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let passed = 0;
  let connections = 0;

  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(target, '127.0.0.1');
    const ends = [client, upstream];
    for (const socket of ends) {
      sockets.add(socket);
      // Either end may break: that is what this is for.
      socket.on('error', () => {});
      socket.once('close', () => {
        sockets.delete(socket);
        for (const other of ends) other.destroy();
      });
    }
    forward(client, upstream, 'up');
    forward(upstream, client, 'down');
  });

  function forward(from: Socket, to: Socket, direction: Trouble['direction']): void {
    from.on('data', (chunk: Buffer) => {
      const [trouble] = proxy.troubles;
      if (trouble?.direction === direction) {
        passed += chunk.length;
        if (passed >= trouble.afterBytes) {
          proxy.troubles.shift();
          passed = 0;
          if (trouble.kind === 'cut') from.resetAndDestroy();
          else from.pause().removeAllListeners('data');
          return;
        }
      }
      const more = to.write(chunk);
      const wait = proxy.bytesPerSecond === undefined ? 0 : (chunk.length / proxy.bytesPerSecond) * 1000;
      if (more && wait === 0) return;
      from.pause();
      if (wait > 0) setTimeout(() => from.resume(), wait).unref();
      else to.once('drain', () => from.resume());
    });
    from.on('end', () => to.end());
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const proxy: TcpProxy = {
    port: address.port,
    troubles: [],
    bytesPerSecond: undefined,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size / 2;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
