// What a client's library receives, before it does: messages can be held back, and what arrived is known.

import WebSocket from 'ws';

export class Gate {
  /** The positions of the edges that came with entryCreated, in the order in which the library got them. */
  arrived = [];
  /** How many messages were held back so far. */
  heldBack = 0;
  #held = new Map();
  #losing;

  /** Holds back what carries a field of this name; gives what lets it through. */
  hold(field) {
    const { promise, release } = openable();
    this.#held.set(`"${field}"`, promise);
    return () => {
      this.#held.delete(`"${field}"`);
      release();
    };
  }

  /** Loses the next message that carries a field of this name, and the connection with it. */
  lose(field) {
    this.#losing = `"${field}"`;
  }

  #loses(text) {
    if (!this.#losing || !text.includes(this.#losing)) return false;
    this.#losing = undefined;
    return true;
  }

  /** A promise while this message is held back. */
  #holds(text) {
    const [, promise] = [...this.#held].find(([field]) => text.includes(field)) ?? [];
    if (promise) this.heldBack++;
    return promise;
  }

  #pass(text) {
    for (const [, position] of text.matchAll(/"entryCreated":.*?"position":(\d+)/g)) this.arrived.push(Number(position));
  }

  /** For the option webSocketImpl. What follows in an operation that is held back waits behind it. */
  get WebSocket() {
    const [holds, loses, pass] = [(text) => this.#holds(text), (text) => this.#loses(text), (text) => this.#pass(text)];
    return class extends WebSocket {
      #waiting = new Map(); // by the operation's id

      get onmessage() {
        return super.onmessage;
      }

      set onmessage(handle) {
        const receive = (event) => {
          pass(event.data);
          handle(event);
        };
        super.onmessage = (event) => {
          if (loses(event.data)) return this.terminate();
          const { id } = JSON.parse(event.data);
          const held = this.#waiting.get(id) ?? holds(event.data);
          if (!held) return receive(event);
          if (id) this.#waiting.set(id, held);
          return held.then(() => {
            this.#waiting.delete(id);
            receive(event);
          });
        };
      }
    };
  }

  /** For the option fetch. */
  fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
      return new Response(response.body.pipeThrough(this.#events()), response);
    }
    const text = await response.text();
    if (this.#loses(text)) throw new TypeError('the connection was lost');
    await this.#holds(text);
    return new Response(text, response);
  };

  /** Lets whole events through, in order. */
  #events() {
    const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
    let rest = '';
    return new TransformStream({
      transform: async (chunk, controller) => {
        const events = (rest + decoder.decode(chunk, { stream: true })).split(/(?<=\n\n)/);
        rest = events.at(-1).endsWith('\n\n') ? '' : events.pop();
        for (const event of events) {
          if (this.#loses(event)) throw new TypeError('the connection was lost');
          await this.#holds(event);
          this.#pass(event);
          controller.enqueue(encoder.encode(event));
        }
      },
    });
  }
}

function openable() {
  let release;
  const promise = new Promise((resolve) => {
    release = resolve;
  });
  return { promise, release };
}
