// A line between a client and the server that can be cut and mended: a TCP relay on a port of its own.

import { once } from 'node:events';
import net from 'node:net';

export async function openLine(serverURL) {
  const { hostname, port } = new URL(serverURL);
  const sockets = new Set();
  const keep = (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  const relay = net.createServer((client) => {
    const server = net.connect(Number(port), hostname);
    keep(client);
    keep(server);
    client.pipe(server).pipe(client);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  });
  const listen = async (at) => {
    relay.listen(at, '127.0.0.1');
    await once(relay, 'listening');
  };
  await listen(0);
  const own = relay.address().port;
  const cut = async () => {
    if (!relay.listening) return;
    relay.close();
    for (const socket of sockets) socket.destroy();
    await once(relay, 'close');
  };
  return { url: `http://127.0.0.1:${own}`, cut, mend: () => listen(own), close: cut };
}
